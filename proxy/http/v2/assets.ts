/** `/api/v2/assets`: a form with a file, a hash instead of one, metadata, bytes. */
import { z } from "zod";
import { ErrorEnvelope, FleetError } from "../../../contracts/errors.ts";
import { hasScope } from "../../../contracts/tenant.ts";
import { requireScope } from "../../../contracts/trpc.ts";
import { uuidOf } from "../../../contracts/ids.ts";
import { blobNotFound } from "../../assets/blob-not-found.ts";
import { readFromHash, readUploadFields } from "./asset-input.ts";
import { assetView, blake3Of } from "./asset-view.ts";
import { v2ErrorResponse } from "./errors.ts";
import { readIdempotency } from "./idempotency.ts";
import { readJsonObject } from "./json-body.ts";
import { type FileForm, FORM_OVERHEAD_BYTES, type FormFields, readFileForm } from "./multipart.ts";
import { jsonAnswer, linksFor, type V2Context, type V2Options, type V2Route } from "./request.ts";
import { assetIdOf } from "./uuids.ts";

/** A body without a file. */
const MAX_JSON_BYTES = 64 * 1024;
/** How long the fields before the file may take to come, ms. */
const FIELDS_WITHIN_MS = 60_000;

/** A range that is refused says how long the file is, so that it is an answer and no error: ours, to be put in v2's words. */
async function inV2Words(answer: Response): Promise<Response> {
  if (answer.status !== 416) return answer;
  const { error } = z.object({ error: ErrorEnvelope }).parse(await answer.json());
  const refusal = v2ErrorResponse(FleetError.fromEnvelope(error));
  refusal.headers.set("content-range", answer.headers.get("content-range") ?? "");
  return refusal;
}

function deadLink(): FleetError {
  return new FleetError("unauthorized", "Cannot read the asset: its link has expired or is none of ours", {
    hint: "GET /api/v2/assets/{id} gives a fresh one to a key with 'assets:read'.",
  });
}

export function createAssetRoutes(options: V2Options) {
  const { assets, clock, maxUploadBytes, signer } = options;

  function refuseAnnounced(headers: Headers): void {
    const length = Number(headers.get("content-length") ?? 0);
    if (!(length > maxUploadBytes + FORM_OVERHEAD_BYTES)) return;
    throw new FleetError("payload_too_large", `Cannot store the file: the form has ${length} bytes`, {
      hint: `A file may have ${maxUploadBytes}; the operator can raise MAX_UPLOAD_BYTES.`,
      details: { maxBytes: maxUploadBytes },
    });
  }

  /** @throws FleetError `upload_interrupted` when they do not come in time */
  async function fieldsInTime({ fields }: FileForm): Promise<FormFields> {
    const came = new AbortController();
    const late = clock.sleep(FIELDS_WITHIN_MS, came.signal).then(() => null);
    const result = await Promise.race([fields, late]).finally(() => came.abort("came"));
    if (result !== null) return result;
    const seconds = FIELDS_WITHIN_MS / 1_000;
    throw new FleetError("upload_interrupted", `Cannot read the form: its fields did not come within ${seconds} s`, {
      hint: "Send it again, all of it at once.",
    });
  }

  const upload: V2Route = async (c, caller) => {
    const { raw } = c.req;
    const idempotency = readIdempotency(raw.headers);
    refuseAnnounced(raw.headers);
    const form = readFileForm({ contentType: raw.headers.get("content-type"), body: raw.body });
    try {
      const { filePath, contentType, blake3, expiresInMs } = readUploadFields(await fieldsInTime(form));
      const { asset, newBytes, replayed } = await assets.upload(caller, {
        filePath,
        contentType,
        contentLength: null,
        expected: { blake3 },
        expiresInMs,
        idempotency,
        body: form.file,
        signal: raw.signal,
      });
      const view = { ...assetView(asset, linksFor(options, c)), created_new: newBytes };
      return jsonAnswer(view, newBytes ? 201 : 200, replayed ? { "idempotency-replayed": "true" } : {});
    } finally {
      form.abandon();
    }
  };

  const fromHash: V2Route = async (c, caller) => {
    const { asset, created } = await assets.fromHash(
      caller,
      readFromHash(await readJsonObject(c.req.raw, MAX_JSON_BYTES)),
    );
    return jsonAnswer({ ...assetView(asset, linksFor(options, c)), created_new: false }, created ? 201 : 200);
  };

  const byHash: V2Route = async (c, caller) => {
    const blake3 = blake3Of(c.req.param("hash") ?? "");
    if (blake3 === null || !(await assets.hasBlake3(caller, blake3))) throw blobNotFound();
    return new Response(null, { headers: { "cache-control": "no-store" } });
  };

  const get: V2Route = async (c, caller) => {
    const asset = await assets.get(caller, assetIdOf(c.req.param("id") ?? ""));
    return jsonAnswer(assetView(asset, linksFor(options, c)));
  };

  const remove: V2Route = async (c, caller) => {
    await assets.delete(caller, assetIdOf(c.req.param("id") ?? ""));
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
  };

  /**
   * For a link that this edge has signed, whoever sends it, or a key with the scope: with neither, nobody learns which
   * assets there are. A key that asks for the whole is sent to a signed link, which the SDKs also hand on as it is.
   */
  async function content(c: V2Context): Promise<Response> {
    const { caller } = c.env;
    const { raw } = c.req;
    const params = new URL(raw.url).searchParams;
    const claimed = { expires: params.get("expires"), signature: params.get("signature") };
    const isSigned = claimed.expires !== null || claimed.signature !== null;
    const id = c.req.param("id") ?? "";
    if (isSigned) {
      const assetId = assetIdOf(id);
      if (signer.verify(uuidOf(assetId), claimed, clock.nowMs())) {
        return await inV2Words(await assets.download({ signedFor: assetId }, assetId, raw));
      }
      // Whoever may read it anyway does not depend on how old the link is.
      if (caller === null || !hasScope(caller, "assets:read")) throw deadLink();
    }
    const known = requireScope(caller, "assets:read");
    const assetId = assetIdOf(id);
    if (isSigned || raw.method !== "GET" || raw.headers.has("range") || raw.headers.has("if-none-match")) {
      return await inV2Words(await assets.download(known, assetId, raw));
    }
    const { expiresAt } = await assets.get(known, assetId);
    const { url } = linksFor(options, c)(assetId, expiresAt);
    return new Response(null, { status: 302, headers: { location: url, "cache-control": "no-store" } });
  }

  return { upload, fromHash, byHash, get, remove, content };
}

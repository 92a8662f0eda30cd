/** Takes an uploaded file: judged before its bytes are read, stored before its row is written. */
import { typeid } from "typeid-js";
import { fileNameOf } from "../../contracts/asset.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AssetStore, NewUpload } from "../store/asset-store.ts";
import { cleanContentType } from "./content-type.ts";
import { parseFilePath } from "./file-path.ts";
import type { Assets, BlobStore } from "./port.ts";

export interface UploadOptions {
  store: Pick<AssetStore, "createAsset" | "createAssetOnce" | "findUpload">;
  blobs: Pick<BlobStore, "put">;
  /** Largest file, bytes. */
  maxBytes: number;
}

function refuseForm(contentType: string | null): void {
  if (!/^\s*multipart\//i.test(contentType ?? "")) return;
  throw new FleetError("invalid_input", "Cannot store the file: it is wrapped in a form", {
    hint: "Send the bytes themselves as the body, e.g. curl --data-binary @FILE -H 'content-type: image/png'.",
  });
}

function refuseAnnounced(contentLength: string | null, maxBytes: number): void {
  // Unreadable lengths are the server's to refuse; the bytes are counted anyway.
  if (!(Number(contentLength ?? 0) > maxBytes)) return;
  throw new FleetError(
    "payload_too_large",
    `Cannot store the file: it has ${contentLength} bytes, at most ${maxBytes}`,
    {
      hint: "Send a smaller file; the operator can raise MAX_UPLOAD_BYTES.",
      details: { maxBytes },
    },
  );
}

/** An empty body reaches some servers as none at all. */
function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function keyReused(key: string): FleetError {
  return new FleetError("idempotency_key_reuse", "Cannot store the file: its idempotency key was used before", {
    hint: "Use a new key for each upload; from-hash makes an asset over bytes that are stored already.",
    details: { idempotencyKey: key },
  });
}

export function createUpload({ store, blobs, maxBytes }: UploadOptions): Assets["upload"] {
  return async ({ tenantId }, request) => {
    const filePath = parseFilePath(request.filePath);
    const { idempotency, expected, expiresInMs } = request;
    refuseForm(request.contentType);
    refuseAnnounced(request.contentLength, maxBytes);
    if (idempotency && !idempotency.replay && await store.findUpload(tenantId, idempotency.key) !== null) {
      throw keyReused(idempotency.key);
    }
    const blob = await blobs.put(tenantId, request.body ?? emptyBody(), {
      maxBytes,
      expected,
      blake3: true,
      signal: request.signal,
    });
    const row: NewUpload = {
      ...blob,
      id: typeid("asset").toString(),
      tenantId,
      filePath,
      contentType: cleanContentType(request.contentType, fileNameOf(filePath)),
      expiresInMs,
    };
    if (idempotency === null) return { ...await store.createAsset(row), replayed: false };
    const outcome = await store.createAssetOnce(row, idempotency);
    if (outcome.status === "key_reused") throw keyReused(idempotency.key);
    const { asset, created, newBytes, replayed } = outcome;
    return { asset, created, newBytes, replayed };
  };
}

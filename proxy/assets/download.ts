/** Answers a request for an asset's bytes: whole, a part, headers only, or that the client has them. */
import type { Asset } from "../../contracts/asset.ts";
import { FleetError } from "../../contracts/errors.ts";
import { parseRange } from "../../contracts/http/byte-range.ts";
import { downloadHeaders, validatorsOf } from "./download-headers.ts";
import type { BlobStore } from "./port.ts";
import { isNotModified, rangeApplies } from "./preconditions.ts";
import type { TenantId } from "../../contracts/ids.ts";

/** Up to here one read and one write are quicker than a stream, and no burden. */
const WHOLE_BYTES = 256 * 1024;

function unsatisfiable(asset: Asset): Response {
  const error = new FleetError(
    "range_not_satisfiable",
    `Cannot send this range: the file has ${asset.sizeBytes} bytes`,
    {
      hint: "Ask for 'bytes=START-END' within the file, or send no Range header.",
    },
  );
  return Response.json({ error: error.toEnvelope() }, {
    status: error.status,
    headers: { "content-range": `bytes */${asset.sizeBytes}`, "cache-control": "no-store" },
  });
}

/** @throws FleetError `internal` when the row is there and the bytes are not. */
export async function answerDownload(
  { asset, tenantId, blobs }: { asset: Asset; tenantId: TenantId; blobs: BlobStore },
  request: Request,
): Promise<Response> {
  const headers = downloadHeaders(asset);
  const validators = validatorsOf(asset);
  if (isNotModified(request.headers, validators)) {
    headers.delete("content-type");
    headers.delete("content-disposition");
    return new Response(null, { status: 304, headers });
  }
  const asked = rangeApplies(request.headers, validators) ? request.headers.get("range") : null;
  // RFC 9110 gives Range a meaning for GET only.
  const range = request.method === "GET" ? parseRange(asked, asset.sizeBytes) : null;
  if (range === "unsatisfiable") return unsatisfiable(asset);
  const part = range === null ? { start: 0, end: asset.sizeBytes - 1 } : range;
  headers.set("content-length", String(part.end + 1 - part.start));
  if (range !== null) headers.set("content-range", `bytes ${part.start}-${part.end}/${asset.sizeBytes}`);

  const status = range === null ? 200 : 206;
  if (request.method === "GET" && asset.sizeBytes <= WHOLE_BYTES) {
    const bytes = await blobs.read(tenantId, asset.sha256);
    if (bytes?.length !== asset.sizeBytes) throw damaged(asset);
    return new Response(bytes.subarray(part.start, part.end + 1), { status, headers });
  }
  const blob = await blobs.open(tenantId, asset.sha256, part);
  if (blob?.sizeBytes !== asset.sizeBytes) throw damaged(asset);
  return new Response(request.method === "HEAD" ? null : blob.body, { status, headers });
}

function damaged(asset: Asset): Error {
  return new Error(`Cannot send asset ${asset.id}: its bytes are missing or damaged`);
}

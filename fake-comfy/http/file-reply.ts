/** Sends a file with ETag, Last-Modified, conditional requests and one byte range. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { parseRange } from "./byte-range.ts";
import type { RequestView } from "./routes.ts";

/** Up to this size a file is read at once, which is quicker than a stream. */
const INLINE_BYTES = 256 * 1024;

/** @param headers further headers, also on 304 and 416 */
export async function fileReply(
  request: Pick<RequestView, "header">,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const info = await stat(path, { bigint: true });
  const sizeBytes = Number(info.size);
  const etag = `"${info.mtimeNs.toString(16)}-${info.size.toString(16)}"`;
  const modified = { etag, "last-modified": info.mtime.toUTCString() };
  if (isUnchanged(request, etag, info.mtime)) {
    return new Response(null, { status: 304, headers: { ...headers, ...modified } });
  }
  const rangeHeader = rangeApplies(request, etag, info.mtime) ? request.header("range") : undefined;
  const range = parseRange(rangeHeader, sizeBytes);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${sizeBytes}` } });
  }
  const { first, last } = range ?? { first: 0, last: sizeBytes - 1 };
  const body = await bytesOf(path, { first, last, whole: range === null });
  const partial: Record<string, string> = range === null
    ? {}
    : { "content-range": `bytes ${first}-${last}/${sizeBytes}` };
  return new Response(body, {
    status: range === null ? 200 : 206,
    headers: {
      ...headers,
      ...modified,
      ...partial,
      "accept-ranges": "bytes",
      "content-length": String(last - first + 1),
    },
  });
}

async function bytesOf(path: string, part: { first: number; last: number; whole: boolean }): Promise<BodyInit | null> {
  const { first, last } = part;
  if (last < first) return null;
  if (part.whole && last < INLINE_BYTES) return new Uint8Array(await readFile(path));
  return Readable.toWeb(createReadStream(path, { start: first, end: last })) as ReadableStream;
}

function isUnchanged({ header }: Pick<RequestView, "header">, etag: string, mtime: Date): boolean {
  const tags = header("if-none-match");
  if (tags !== undefined) return tags.split(",").some((tag) => [etag, "*"].includes(tag.trim().replace(/^W\//, "")));
  const since = Date.parse(header("if-modified-since") ?? "");
  return Number.isFinite(since) && Math.floor(mtime.getTime() / 1000) * 1000 <= since;
}

/** `If-Range` names the version that the client has a part of. */
function rangeApplies({ header }: Pick<RequestView, "header">, etag: string, mtime: Date): boolean {
  const condition = header("if-range");
  if (condition === undefined || condition === etag) return true;
  const since = Date.parse(condition);
  return Number.isFinite(since) && mtime.getTime() <= since;
}

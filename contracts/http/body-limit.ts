/** Size limit for bodies that are read whole. Streams (uploads) count for themselves. */
import { FleetError } from "../errors.ts";

export interface BodyLimit {
  maxBytes: number;
  /** The setting that an operator would raise. */
  setting: string;
}

function tooLarge({ maxBytes, setting }: BodyLimit): FleetError {
  return new FleetError("payload_too_large", `Cannot accept the request: its body is over ${maxBytes} bytes`, {
    hint: `Upload large inputs and refer to them; the operator can raise ${setting}.`,
    details: { maxBytes },
  });
}

/**
 * The request itself when it declares a length within the limit (the server holds it to that), else one whose body has
 * been read, at most `maxBytes` of it.
 * @throws FleetError `payload_too_large`, before reading when the declared length says so.
 */
export async function readLimited(request: Request, limit: BodyLimit): Promise<Request> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limit.maxBytes) throw tooLarge(limit);
  if (declared !== null || request.body === null) return request;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limit.maxBytes) throw tooLarge(limit);
    chunks.push(chunk);
  }
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: new Blob(chunks) });
}

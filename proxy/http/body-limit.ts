/** Size limit for bodies that are read whole. Streams (uploads) count for themselves. */
import { FleetError } from "../../contracts/errors.ts";

function tooLarge(maxBytes: number): FleetError {
  return new FleetError("payload_too_large", `Cannot accept the request: its body is over ${maxBytes} bytes`, {
    hint: "Upload large inputs as assets and refer to them; the operator can raise MAX_WORKFLOW_BYTES.",
    details: { maxBytes },
  });
}

/**
 * The request itself when it declares a length within the limit (the server holds it to that), else one whose body has
 * been read, at most `maxBytes` of it.
 * @throws FleetError `payload_too_large`, before reading when the declared length says so.
 */
export async function readLimited(request: Request, maxBytes: number): Promise<Request> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  if (declared !== null || request.body === null) return request;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const { url, method, headers, signal } = request;
  return new Request(url, { method, headers, signal, body: new Blob(chunks) });
}

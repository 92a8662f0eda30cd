/** Size limit for the bodies that are read whole: procedure calls. Streams (inputs) count for themselves. */
import { FleetError } from "../../contracts/errors.ts";

function tooLarge(maxBytes: number): FleetError {
  return new FleetError("payload_too_large", `Cannot accept the request: its body is over ${maxBytes} bytes`, {
    hint: "Send files as inputs; the operator can raise AGENT_MAX_CALL_BYTES.",
    details: { maxBytes },
  });
}

/**
 * The request itself when it declares a length within the limit (the server holds it to that), else one whose body has
 * been read, at most `maxBytes` of it.
 * @throws FleetError `payload_too_large`.
 */
export async function limitBody(request: Request, maxBytes: number): Promise<Request> {
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

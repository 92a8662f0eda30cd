/** The body of a call to a pod on its way through: small ones in one piece, others streamed and counted. */
import { FleetError } from "../../contracts/errors.ts";
import type { AgentRequest } from "../pods/port.ts";

/** Announced bodies up to this size are read whole, which costs less than a stream of one chunk. */
const SMALL_BYTES = 64 * 1024;

export interface PassedBody {
  init: Pick<AgentRequest, "body" | "duplex">;
  /** Set once the body was too large, however the request then failed. */
  tooLarge(): FleetError | null;
}

function tooLargeError(maxBytes: number): FleetError {
  return new FleetError("payload_too_large", `Cannot pass the call to a pod: its body is over ${maxBytes} bytes`, {
    hint: "The operator can raise MAX_WORKFLOW_BYTES.",
    details: { maxBytes },
  });
}

/** @throws FleetError `payload_too_large` before reading when the announced length says so */
export async function passedBody(request: Request, maxBytes: number): Promise<PassedBody> {
  const none = () => null;
  if (request.method === "GET" || request.body === null) return { init: {}, tooLarge: none };
  const header = request.headers.get("content-length");
  const declared = header !== null && /^\d+$/.test(header) ? Number(header) : Infinity;
  if (header !== null && declared > maxBytes) throw tooLargeError(maxBytes);
  if (declared <= SMALL_BYTES) {
    return { init: { body: await request.arrayBuffer() }, tooLarge: none };
  }
  let sizeBytes = 0;
  let failure: FleetError | null = null;
  const counted = request.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxBytes) {
          failure = tooLargeError(maxBytes);
          throw failure;
        }
        controller.enqueue(chunk);
      },
    }),
  );
  return { init: { body: counted, duplex: "half" }, tooLarge: () => failure };
}

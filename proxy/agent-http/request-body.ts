/** What a caller of `fetch` gives as body, written to a request of `node:http`. */
import type { ClientRequest } from "node:http";
import type { AgentRequest } from "../pods/port.ts";

/** A body that is at hand. */
type Whole = string | Uint8Array;

export type SentBody = { whole: Whole | null } | { stream: ReadableStream<Uint8Array> };

/** @throws TypeError for a body of a kind that the edge never sends */
export function bodyOfInit({ body }: AgentRequest): SentBody {
  if (body === null || body === undefined) return { whole: null };
  if (typeof body === "string") return { whole: body };
  if (body instanceof ArrayBuffer) return { whole: new Uint8Array(body) };
  if (ArrayBuffer.isView(body)) return { whole: new Uint8Array(body.buffer, body.byteOffset, body.byteLength) };
  if (body instanceof ReadableStream) return { stream: body as ReadableStream<Uint8Array> };
  throw new TypeError("Cannot send this kind of body to an agent: give text, bytes or a stream");
}

/** Of a request that is not sent: whoever made the stream is told that nobody reads it. */
export function leaveBody(init: AgentRequest | undefined): void {
  if (init?.body instanceof ReadableStream && !init.body.locked) void init.body.cancel().catch(() => {});
}

export function lengthOf(whole: Whole): number {
  return typeof whole === "string" ? new TextEncoder().encode(whole).byteLength : whole.byteLength;
}

/** Resolves when the request takes more; at its end too, which the writer then sees. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    request.on("drain", done).on("close", done).on("error", done);
  });
}

/** Writes the stream at the pace at which it is taken. A stream that fails takes the request with it. Never rejects. */
export async function pumpBody(stream: ReadableStream<Uint8Array>, request: ClientRequest): Promise<void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (request.destroyed) return await reader.cancel().catch(() => {});
      if (done) break;
      if (!request.write(value)) await drained(request);
    }
    request.end();
  } catch (error) {
    request.destroy(error instanceof Error ? error : new Error("the request's body failed"));
  } finally {
    reader.releaseLock();
  }
}

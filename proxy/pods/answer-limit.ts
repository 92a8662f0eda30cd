/**
 * How much of an agent's answer an edge takes in. A pod is another machine: an answer without an end must cost the edge
 * one call, not its memory. Bytes are counted as they come, and the connection is dropped at the first one too many.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { AgentResponse } from "./port.ts";

const MIB = 1024 * 1024;

/** Answer of a procedure. A beat with a thousand attempts, each with a few outputs, has about 1 MiB. */
export const MAX_CALL_BYTES = 16 * MIB;
/** `/object_info`: bodies seen have 1–6 MB. */
export const MAX_OBJECT_INFO_BYTES = 64 * MIB;
/** One event of a stream; the stream as a whole may go on for days. The contract's longest list of outputs fits. */
export const MAX_EVENT_BYTES = 4 * MIB;
/** What is said instead of the bytes of a file. */
export const MAX_REFUSAL_BYTES = MIB;

/** Looks at each chunk in turn. @throws FleetError `agent_incompatible` at the first one that is too much. */
export type Gauge = (chunk: Uint8Array) => void;

const NEWLINE = 10;
const RETURN = 13;

function tooLong(what: string, maxBytes: number): FleetError {
  return new FleetError("agent_incompatible", `Cannot use the agent's ${what}: it has more than ${maxBytes} bytes`, {
    hint: "Run the same version of edge and agent, and check what answers at the pod's address.",
  });
}

/** Deno reads a chunked answer to its end whatever length it declares beside, and a compressed one grows. */
const UNBOUND = ["transfer-encoding", "content-encoding"];

/**
 * The same answer with a body of at most `maxBytes`. One that is framed by its declared length alone is held to it by
 * HTTP itself, so it is passed on as it is.
 * @throws FleetError `agent_incompatible` for a declared length that is too much.
 */
export function limitedBody(response: AgentResponse, maxBytes: number): AgentResponse {
  const declared = response.headers.get("content-length");
  if (declared === null || UNBOUND.some((name) => response.headers.has(name))) {
    return limited(response, bodyGauge(maxBytes));
  }
  if (Number(declared) <= maxBytes) return response;
  response.body?.cancel().catch(() => {});
  throw tooLong("answer", maxBytes);
}

/** Counts the whole body. */
function bodyGauge(maxBytes: number): Gauge {
  let sizeBytes = 0;
  return (chunk) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw tooLong("answer", maxBytes);
  };
}

/** Counts each server-sent event, which an empty line ends. */
export function eventGauge(maxBytes: number): Gauge {
  let eventBytes = 0;
  let lineBytes = 0;
  let last = 0;
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      lineBytes += at - from;
      const before = at > from ? chunk[at - 1] : last;
      const isEmpty = lineBytes === 0 || (lineBytes === 1 && before === RETURN);
      eventBytes = isEmpty ? 0 : eventBytes + lineBytes;
      if (eventBytes > maxBytes) throw tooLong("event", maxBytes);
      lineBytes = 0;
      from = at + 1;
    }
    lineBytes += chunk.byteLength - from;
    last = chunk.at(-1) ?? last;
    if (eventBytes + lineBytes > maxBytes) throw tooLong("event", maxBytes);
  };
}

/** The same answer, whose body errors with what the gauge throws and is canceled then. */
function limited(response: AgentResponse, gauge: Gauge): AgentResponse {
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      try {
        gauge(value);
      } catch (error) {
        // Not awaited: a source that hangs may never answer.
        reader.cancel(error).catch(() => {});
        throw error;
      }
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}

/** An answer of `node:http` as `fetch` would give it, on Node and Deno alike: streams, with backpressure both ways. */
import type { IncomingMessage } from "node:http";
import { FleetError } from "../../contracts/errors.ts";
import { shorten } from "../../contracts/shorten.ts";
import type { AgentResponse } from "../pods/port.ts";

/** Bytes read ahead of whoever reads the body; beyond them the socket is not read. */
const READ_AHEAD_BYTES = 256 * 1024;
/** Bodies of a declared length up to this are taken whole. */
const WHOLE_BYTES = 64 * 1024;
/** With these a `Response` may have no body. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

function cutShort(cause?: unknown): FleetError {
  return new FleetError("agent_unreachable", "Cannot read the agent's answer: the connection was cut", {
    details: { sent: true },
    cause,
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  return headers;
}

/** Errors with the signal's reason when that aborts, and when the bytes end too early; then the socket goes too. */
function bodyOf(message: IncomingMessage, signal: AbortSignal | null): ReadableStream<Uint8Array> {
  let open = true;
  let stopListening = () => {};
  /** False when the stream has ended before. */
  function end(): boolean {
    const wasOpen = open;
    open = false;
    stopListening();
    return wasOpen;
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const fail = (error: unknown) => {
        if (!end()) return;
        controller.error(error);
        message.destroy();
      };
      const onAbort = () => fail(signal?.reason);
      stopListening = () => signal?.removeEventListener("abort", onAbort);
      signal?.addEventListener("abort", onAbort, { once: true });
      message.on("data", (chunk: Uint8Array) => {
        if (!open) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.on("end", () => {
        if (!message.complete) return fail(cutShort());
        if (end()) controller.close();
      });
      message.on("error", (error) => fail(cutShort(error)));
      message.on("close", () => fail(cutShort()));
      if (signal?.aborted) onAbort();
    },
    pull() {
      message.resume();
    },
    cancel() {
      if (!end()) return;
      // Of an answer that is here as a whole the connection can be used again.
      if (message.complete) message.resume();
      else message.destroy();
    },
  }, new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD_BYTES }));
}

/** Null where the answer does not declare one that alone says where it ends. */
function declaredLength({ headers }: IncomingMessage): number | null {
  const text = headers["content-length"];
  return text === undefined || headers["transfer-encoding"] !== undefined ? null : Number(text);
}

/** @param sizeBytes as declared, and held to by the parser */
function wholeBody(
  message: IncomingMessage,
  sizeBytes: number,
  signal: AbortSignal | null,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const bytes = new Uint8Array(sizeBytes);
    let offset = 0;
    const onAbort = () => fail(signal?.reason);
    const fail = (error: unknown) => {
      signal?.removeEventListener("abort", onAbort);
      reject(error);
      message.destroy();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    message.on("data", (chunk: Uint8Array) => {
      bytes.set(chunk, offset);
      offset += chunk.byteLength;
    });
    message.on("end", () => {
      if (!message.complete || offset !== sizeBytes) return fail(cutShort());
      signal?.removeEventListener("abort", onAbort);
      resolve(bytes);
    });
    message.on("error", (error) => fail(cutShort(error)));
    message.on("close", () => offset === sizeBytes || fail(cutShort()));
    if (signal?.aborted) onAbort();
  });
}

const decoder = new TextDecoder();

/** An answer whose bytes are here. */
function wholeResponse(
  bytes: Uint8Array<ArrayBuffer>,
  head: Pick<AgentResponse, "status" | "statusText" | "headers">,
): AgentResponse {
  const text = () => decoder.decode(bytes);
  return {
    ...head,
    ok: head.status < 300,
    get body() {
      return new Blob([bytes]).stream();
    },
    text: () => Promise.resolve(text()),
    json: async () => JSON.parse(text()),
    arrayBuffer: () => Promise.resolve(bytes.buffer),
  };
}

/** Of an answer that no `Response` can be made of, or whose body nobody has asked for like this and nobody decodes. */
function strange(what: string): FleetError {
  return new FleetError("agent_incompatible", `Cannot use the agent: it ${what}`, {
    hint: "Check what answers at the pod's port, and run the same version of edge and agent.",
    details: { sent: true },
  });
}

/**
 * Small bodies of declared length come whole, which is cheaper than a stream and leaves the connection to the next
 * request whatever becomes of them.
 * @param signal that ends the body too; null: nothing does
 * @throws FleetError `agent_unreachable` for a small body that is cut short, `agent_incompatible` for a status that
 * HTTP does not have and for an encoded body; the message is the caller's to destroy then
 */
export async function responseOf(
  message: IncomingMessage,
  method: string,
  signal: AbortSignal | null,
): Promise<AgentResponse> {
  const status = message.statusCode ?? 0;
  if (status < 200 || status > 599) throw strange(`answered with HTTP ${status}`);
  const encoding = message.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw strange(`sent a body that is encoded as ${shorten(encoding, 40)}`);
  }
  const head = { status, statusText: message.statusMessage ?? "", headers: headersOf(message) };
  if (method === "HEAD" || BODYLESS.has(status)) {
    message.on("error", () => {});
    message.resume();
    return new Response(null, head);
  }
  const length = declaredLength(message);
  const isSmall = length !== null && length <= WHOLE_BYTES;
  if (isSmall) return wholeResponse(await wholeBody(message, length, signal), head);
  return new Response(bodyOf(message, signal), head);
}

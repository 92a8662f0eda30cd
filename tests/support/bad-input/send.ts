/** Requests exactly as they are given, each with a deadline: no client tidies paths up or adds headers. */
import { Agent, request } from "node:http";
import { connect } from "node:net";

export interface RawRequest {
  method: string;
  /** As it stands in the request line. */
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array | null;
  /** Send the body in chunks, without a length. @default false */
  chunked?: boolean;
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  /** At most {@link MAX_CHARS}; of a stream of events what came within {@link STREAM_MS}. */
  text: string;
  tookMs: number;
}

/** What there is instead of an answer. */
export interface NoAnswer {
  failure: "hang" | "cut";
  detail: string;
}

const MAX_CHARS = 1_000_000;
/** How long a stream of events is listened to. */
const STREAM_MS = 60;

export interface Sender extends Disposable {
  send(request: RawRequest): Promise<RawAnswer | NoAnswer>;
}

export function createSender(baseUrl: string, deadlineMs: number): Sender {
  const { hostname, port } = new URL(baseUrl);
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const sendOnce = (
    { method, path, headers, body, chunked = false }: RawRequest,
  ): Promise<RawAnswer | NoAnswer | "again"> =>
    new Promise((resolve) => {
      const startedMs = performance.now();
      // Always said: Node's client would send the body of a DELETE without either, as the next request.
      const length: Record<string, string> = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const framing = chunked ? { "transfer-encoding": "chunked" } : length;
      const call = request({ hostname, port, agent, method, path, headers: { ...headers, ...framing } });
      const end = (result: RawAnswer | NoAnswer | "again") => {
        clearTimeout(late);
        resolve(result);
      };
      const late = setTimeout(() => {
        end({ failure: "hang", detail: `no answer in ${deadlineMs} ms` });
        call.destroy();
      }, deadlineMs);
      // A kept connection may be closed by the server just when it is used again.
      call.on("error", (error) => end(call.reusedSocket ? "again" : { failure: "cut", detail: error.message }));
      call.on("response", (response) => {
        let text = "";
        const answer = () =>
          end({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            text,
            tookMs: performance.now() - startedMs,
          });
        response.setEncoding("utf8").on("data", (part: string) => {
          if (text.length < MAX_CHARS) text += part;
        });
        response.on("end", answer).on("error", (error) => end({ failure: "cut", detail: error.message }));
        if (!response.headers["content-type"]?.includes("text/event-stream")) return;
        setTimeout(() => {
          answer();
          call.destroy();
        }, STREAM_MS);
      });
      call.end(body);
    });
  return {
    async send(request) {
      for (let tries = 0; tries < 5; tries++) {
        const answer = await sendOnce(request);
        if (answer !== "again") return answer;
      }
      return { failure: "cut", detail: "on five kept connections" };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** The bytes of a request on a socket of its own; resolves with all that came until the end. Rejects after the deadline. */
export function sendRaw(baseUrl: string, bytes: string, deadlineMs = 10_000): Promise<string> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    const late = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`no end of ${JSON.stringify(bytes.slice(0, 200))} in ${deadlineMs} ms; came: ${text.slice(0, 200)}`),
      );
    }, deadlineMs);
    socket.setEncoding("latin1").on("data", (part: string) => (text += part));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(late);
      resolve(text);
    });
    socket.write(bytes, "latin1");
  });
}

/**
 * `fetch` over connections that somebody else opens, such as tailscaled's `/dial`. Node only: bundlers for browsers take
 * `dial-fetch.browser.ts` in its place (`browser` in package.json).
 */
import type { Dial } from "./dial.ts";

/** A flow that a policy denies is dropped in silence. */
const CONNECT_MS = 5_000;
const EMPTY = new Set([204, 205, 304]);

async function load() {
  const [http, stream] = await Promise.all([import("node:http"), import("node:stream")]);
  return { request: http.request, Duplex: stream.Duplex, Readable: stream.Readable };
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < raw.length; at += 2) headers.append(raw[at] ?? "", raw[at + 1] ?? "");
  return headers;
}

async function bodyOf({ body }: RequestInit): Promise<Uint8Array | null> {
  return body === undefined || body === null ? null : new Uint8Array(await new Response(body).arrayBuffer());
}

/** Each request has a connection of its own, which ends with its answer. Rejects as `dial` does, and as `fetch` would. */
export function fetchOver(dial: Dial): typeof fetch {
  return async (input, init = {}) => {
    const { request, Duplex, Readable } = await load();
    const url = new URL(input instanceof Request ? input.url : input);
    const given = init.signal ?? new AbortController().signal;
    const content = await bodyOf(init);
    const to = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) };
    const socket = await dial(to, AbortSignal.any([given, AbortSignal.timeout(CONNECT_MS)]));
    if (!(socket instanceof Duplex)) throw new TypeError("Cannot use what dial() gave: it is no stream of node:stream");
    return await new Promise<Response>((resolve, reject) => {
      const headers: Record<string, string> = { connection: "close", ...Object.fromEntries(new Headers(init.headers)) };
      if (content !== null) headers["content-length"] = String(content.byteLength);
      const sent = request(url, {
        method: init.method ?? "GET",
        headers,
        createConnection: () => socket,
        signal: given,
      });
      const fail = (error: unknown) => {
        socket.destroy();
        reject(given.aborted ? given.reason : error);
      };
      // Each of them, for the whole life of the request: one that nobody hears ends the process.
      sent.on("error", fail);
      sent.once("response", (answer) => {
        const status = answer.statusCode ?? 0;
        if (status < 200 || status > 599) return fail(new TypeError(`the answer has the status ${status}`));
        const body = EMPTY.has(status) ? null : Readable.toWeb(answer) as ReadableStream<Uint8Array>;
        if (body === null) answer.resume();
        resolve(new Response(body, { status, headers: headersOf(answer.rawHeaders) }));
      });
      // An answer of another protocol closes the connection without a response; after one this changes nothing.
      sent.once("close", () => fail(new TypeError("the connection was closed before an answer")));
      sent.end(content ?? undefined);
    });
  };
}

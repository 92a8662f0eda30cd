/**
 * One small request and its whole answer over kept connections. Every job waits for several of them, and `fetch` costs twice
 * the time: its streams are for bodies that are read piece by piece.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { urlToHttpOptions } from "node:url";

export interface Reply {
  status: number;
  text: string;
}

export interface ExchangeRequest {
  method: "GET" | "POST";
  /** Path and query, below the base URL. */
  path: string;
  /** Sent as JSON. */
  json?: unknown;
  /** For the whole answer, body included. */
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * Rejects with the connection's own error, a `TimeoutError`, or the signal's reason. Redirects are answers like others.
 * @param baseUrl without a slash at its end
 */
export type Exchange = (baseUrl: string, request: ExchangeRequest) => Promise<Reply>;

/** ComfyUI closes an idle connection after 75 s: one that it might be closing just now is not used again. */
const CONNECTIONS = { keepAlive: true, timeout: 4_000 };

export function createExchange(): Exchange {
  const plain = { request: httpRequest, agent: new HttpAgent(CONNECTIONS) };
  const secure = { request: httpsRequest, agent: new HttpsAgent(CONNECTIONS) };
  /** Of the base URL of the last call: it changes only with ComfyUI's process. */
  let parsed = { baseUrl: "", place: {}, prefix: "" };

  function parse(baseUrl: string): typeof parsed {
    if (parsed.baseUrl === baseUrl) return parsed;
    const url = new URL(baseUrl);
    // No more of them than is needed: each request copies them three times.
    const { hostname, port, auth } = urlToHttpOptions(url);
    return parsed = { baseUrl, place: { hostname, port, auth }, prefix: url.pathname === "/" ? "" : url.pathname };
  }

  return (baseUrl, { method, path, json, timeoutMs, signal }) => {
    const { place, prefix } = parse(baseUrl);
    const { request, agent } = baseUrl.startsWith("https:") ? secure : plain;
    const body = json === undefined ? null : Buffer.from(JSON.stringify(json));
    const headers = body === null ? {} : { "content-type": "application/json", "content-length": body.length };
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const sent = request({ ...place, path: prefix + path, method, agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    const giveUp = (reason: unknown) => {
      reject(reason);
      sent.destroy();
    };
    const abort = () => giveUp(signal.reason);
    const timer = setTimeout(() => giveUp(new DOMException("no answer in time", "TimeoutError")), timeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    sent.on("error", reject);
    sent.on("close", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
    sent.end(body);
    if (signal.aborted) abort();
    return promise;
  };
}

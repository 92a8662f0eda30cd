/**
 * One small request and its whole answer over kept connections. Every job waits for several of them, and `fetch` costs twice
 * the time: its streams are for bodies that are read piece by piece.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

export interface Reply {
  status: number;
  text: string;
}

export interface ExchangeRequest {
  method: "GET" | "POST";
  /** Sent as JSON. */
  json?: unknown;
  /** For the whole answer, body included. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** Rejects with the connection's own error, a `TimeoutError`, or an `AbortError`. Redirects are answers like others. */
export type Exchange = (url: string, request: ExchangeRequest) => Promise<Reply>;

/** ComfyUI closes an idle connection after 75 s: one that it might be closing just now is not used again. */
const CONNECTIONS = { keepAlive: true, timeout: 4_000 };

export function createExchange(): Exchange {
  const plain = { request: httpRequest, agent: new HttpAgent(CONNECTIONS) };
  const secure = { request: httpsRequest, agent: new HttpsAgent(CONNECTIONS) };
  return (url, { method, json, timeoutMs, signal }) => {
    const { request, agent } = url.startsWith("https:") ? secure : plain;
    const body = json === undefined ? null : Buffer.from(JSON.stringify(json));
    const headers = body === null ? {} : { "content-type": "application/json", "content-length": body.length };
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const sent = request(url, { method, agent, headers, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => text += chunk);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    const timer = setTimeout(() => {
      reject(new DOMException("no answer in time", "TimeoutError"));
      sent.destroy();
    }, timeoutMs);
    sent.on("error", reject);
    sent.on("close", () => clearTimeout(timer));
    sent.end(body);
    return promise;
  };
}

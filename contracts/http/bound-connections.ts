/** Bounds for the connections of Node's HTTP server, so that slow and silent clients do not pile up. */
import { type ClosableSocket, closeMalformed } from "./malformed.ts";

/** From the connection's start to the end of the first head. */
const HEADERS_TIMEOUT_MS = 30_000;
/** How often a server must look for heads that are late: its `connectionsCheckingInterval`. */
export const HEADERS_CHECK_MS = 5_000;
/** A connection on which nothing moves in either direction: streams say something every 15 s, held calls end after 25 s. */
const SILENCE_MS = 120_000;
/** How long the rest of a request may still come after its answer, before its connection is closed. */
const REST_MS = 1_000;

/** What is needed of Node's server, which this must not import. */
export interface BoundableServer {
  requestTimeout: number;
  headersTimeout: number;
  timeout: number;
  on(event: "clientError", listener: (error: { code?: string | undefined }, socket: ClosableSocket) => void): unknown;
  on(
    event: "request",
    listener: (
      request: { readonly complete: boolean; destroy(): unknown },
      response: { once(event: "finish", listener: () => void): unknown },
    ) => void,
  ): unknown;
}

/** Closes connections on which nothing comes, only a part of a head, or a body that nobody reads. */
export function boundConnections(server: BoundableServer): void {
  server.on("clientError", closeMalformed);
  // Uploads last as long as they go on; who reads a body gives up one that stalls.
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.timeout = SILENCE_MS;
  server.on("request", (request, response) => {
    response.once("finish", () => {
      if (!request.complete) setTimeout(() => request.complete || request.destroy(), REST_MS);
    });
  });
}

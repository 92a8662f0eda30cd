/** The edge on Node. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { finished } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { closeMalformed, refuseMalformed } from "../../contracts/http/malformed.ts";
import type { Listener, Runtime } from "./port.ts";

/** From the connection's start to the end of the first head. */
const HEADERS_TIMEOUT_MS = 30_000;
const HEADERS_CHECK_MS = 5_000;
/** A connection on which nothing moves in either direction: streams say something every 15 s, held calls end after 25 s. */
const SILENCE_MS = 120_000;
/** How long the rest of a request may still come after its answer, before its connection is closed. */
const REST_MS = 1_000;
const IDLE_SWEEP_MS = 50;

/** Closes connections on which nothing comes, only a part of a head, or a body that nobody reads. */
function boundConnections(server: Server): void {
  server.on("clientError", closeMalformed);
  // Uploads last as long as they go on; who reads a body gives up one that stalls.
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.timeout = SILENCE_MS;
  server.on("request", (request, response) => {
    response.once("finish", () => {
      if (request.complete) return;
      setTimeout(() => request.complete || request.destroy(), REST_MS).unref();
    });
  });
}

function stopServer(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    // close() waits for keep-alive connections, which turn idle only once their stream has ended: sweep until done.
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}

export function createNodeRuntime(): Runtime {
  return {
    name: "node",
    version: process.versions.node,
    env: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
    serve(address, handler): Promise<Listener> {
      return new Promise((resolve, reject) => {
        const { hostname } = address;
        const listener = getRequestListener(handler, { hostname, errorHandler: refuseMalformed });
        const server = createServer({ connectionsCheckingInterval: HEADERS_CHECK_MS }, listener);
        boundConnections(server);
        server.once("error", reject);
        server.listen(address.port, hostname, () => {
          const bound = server.address();
          const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
          let stopping: Promise<void> | null = null;
          resolve({ hostname, port, stop: (deadlineMs) => stopping ??= stopServer(server, deadlineMs) });
        });
      });
    },
    onStopSignal(listener) {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
    },
    onParentEnd(listener) {
      finished(process.stdin.resume(), { writable: false }, () => listener());
    },
    writeLine(line) {
      process.stderr.write(`${line}\n`);
    },
    exit: (code) => process.exit(code),
  };
}

/** The edge on Node. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { finished } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { boundConnections, HEADERS_CHECK_MS } from "../../contracts/http/bound-connections.ts";
import { refuseMalformed } from "../../contracts/http/malformed.ts";
import { createNodeFetch } from "../agent-http/node-fetch.ts";
import type { Listener, Runtime } from "./port.ts";

const IDLE_SWEEP_MS = 50;

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

/** Of an HTTP/1 request, which is all that this server takes. */
function remoteOf(env: unknown): string | null {
  return (env as { incoming: IncomingMessage }).incoming.socket.remoteAddress ?? null;
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
        const answer = (request: Request, env: unknown) => handler(request, remoteOf(env));
        const listener = getRequestListener(answer, { hostname, errorHandler: refuseMalformed });
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
    fetch: createNodeFetch(),
    writeLine(line) {
      process.stderr.write(`${line}\n`);
    },
    exit: (code) => process.exit(code),
  };
}

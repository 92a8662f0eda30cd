/** The edge on Node. */
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { finished } from "node:stream";
import { serve } from "@hono/node-server";
import type { Listener, Runtime } from "./port.ts";

/** Uploads may take longer than Node's default of five minutes; headers may not. */
const HEADERS_TIMEOUT_MS = 30_000;
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

export function createNodeRuntime(): Runtime {
  return {
    name: "node",
    version: process.versions.node,
    env: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
    serve(address, handler): Promise<Listener> {
      return new Promise((resolve, reject) => {
        const server = serve({ fetch: handler, hostname: address.hostname, port: address.port }, (info) => {
          let stopping: Promise<void> | null = null;
          resolve({
            hostname: address.hostname,
            port: info.port,
            stop: (deadlineMs) => stopping ??= stopServer(server, deadlineMs),
          });
        }) as Server;
        server.requestTimeout = 0;
        server.headersTimeout = HEADERS_TIMEOUT_MS;
        server.once("error", reject);
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

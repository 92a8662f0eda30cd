/** Hono apps on Node's server: over TCP for edges, over a unix socket for health. */
import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { Env } from "hono/types";
import { boundConnections, HEADERS_CHECK_MS } from "../../contracts/http/bound-connections.ts";
import { refuseMalformed } from "../../contracts/http/malformed.ts";
import { type Gate, guard } from "./gate.ts";

export interface Listener {
  /** Port for TCP, path for a unix socket. */
  address: string;
  /** Takes no new connections; what is in flight at the deadline is cut. */
  stop(deadlineMs: number): Promise<void>;
}

/** A connection that is silent for this long is probed. */
const PROBE_AFTER_MS = 30_000;

function serverOf<E extends Env>(app: Hono<E>, gate: Gate | null): Server {
  // An idle edge keeps its connection between two beats. One that has vanished, as a machine does that loses its power,
  // says nothing: TCP's own probes end its connections.
  const server = createServer({
    connectionsCheckingInterval: HEADERS_CHECK_MS,
    keepAliveTimeout: 75_000,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
    // Node would refuse these itself, before anybody is asked who calls; what reads the request refuses them too.
    requireHostHeader: false,
  });
  const answer = getRequestListener(app.fetch, { errorHandler: refuseMalformed });
  boundConnections(server);
  if (gate === null) server.on("request", answer);
  else guard(server, gate, answer);
  return server;
}

async function listen(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** @param gate asks who each connection is from; without one everybody gets as far as the app */
export async function listenTcp<E extends Env>(
  app: Hono<E>,
  at: { host: string; port: number },
  gate: Gate | null = null,
): Promise<Listener> {
  const server = serverOf(app, gate);
  await listen(server, at);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  return { address: `http://${host}:${port}`, stop: (deadlineMs) => stopServer(server, deadlineMs) };
}

/** A socket that only this user can open; one that a killed agent left is replaced. */
export async function listenUnix<E extends Env>(app: Hono<E>, path: string): Promise<Listener> {
  const server = serverOf(app, null);
  await rm(path, { force: true });
  await listen(server, { path });
  await chmod(path, 0o600);
  return { address: path, stop: (deadlineMs) => stopServer(server, deadlineMs) };
}

/** A kept connection turns idle only once its stream has ended, so idle ones are looked for until all are gone. */
const IDLE_SWEEP_MS = 50;

async function stopServer(server: Server, deadlineMs: number): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
  clearInterval(sweep);
}

/**
 * In front of a server that tailnet callers reach: asks who is at the far end before anything of a request is looked
 * at. Whoever has no role gets one answer for everything, and of malformed HTTP none at all.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { FleetError } from "../../contracts/errors.ts";
import { closeMalformed } from "../../contracts/http/malformed.ts";
import type { CallerSocket } from "../tailnet/callers.ts";

export interface Gate {
  accept(socket: CallerSocket): void;
  /** Null: has no role. Never rejects. */
  decided(socket: object): Promise<object | null>;
  /** Null: has none, or not yet. */
  current(socket: object): object | null;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Requests on one connection before it is known whose it is. An edge sends one; each that waits takes memory. */
const MAX_UNDECIDED = 32;

const NOBODY = JSON.stringify({ error: new FleetError("not_found", "Cannot find this path").toEnvelope() });

/** Takes the place of the server's own listener of requests. To be called after all others have been added. */
export function guard(server: Server, gate: Gate, answer: Answer): void {
  const undecided = new WeakMap<object, number>();
  server.on("connection", (socket) => gate.accept(socket));
  server.on("request", (request, response) => {
    void admit(request, response).then((isIn) => isIn && answer(request, response));
  });
  // Without listeners Node answers these two itself, whoever asks.
  server.on("checkContinue", (request, response) => {
    void admit(request, response).then((isIn) => {
      if (!isIn) return;
      response.writeContinue();
      answer(request, response);
    });
  });
  server.on("checkExpectation", (request, response) => {
    void admit(request, response).then((isIn) => isIn && response.writeHead(417).end());
  });
  server.removeAllListeners("clientError");
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (gate.current(socket) === null) socket.destroy();
    else closeMalformed(error, socket);
  });

  async function admit(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { socket } = request;
    if (gate.current(socket) !== null) return true;
    const before = undecided.get(socket) ?? 0;
    undecided.set(socket, before + 1);
    if (before >= MAX_UNDECIDED) socket.destroy();
    await gate.decided(socket);
    if (socket.destroyed) return false;
    if (gate.current(socket) !== null) return true;
    refuse(request, response);
    return false;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  const headers: Record<string, string | number> = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(NOBODY),
  };
  // Who is let in later comes with a new connection. One that still sends is closed a moment after it has its answer.
  if (request.complete || !hasBody(request)) headers.connection = "close";
  response.writeHead(404, headers).end(NOBODY);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Opens ports: HTTP by Hono, and upgrades to WebSocket for the hub. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { WebSocketServer } from "ws";
import type { Hub } from "./socket/hub.ts";

/** A client may not send more than this in one message. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** The port is taken by somebody else. */
export class PortInUse extends Error {}

/** The part of an app that a port needs. */
export interface Fetching {
  readonly fetch: Parameters<typeof getRequestListener>[0];
}

/** Opens a port; returns the server and the port it really has. @throws {PortInUse} */
export async function listen(
  app: Fetching,
  at: { address: string; port: number },
): Promise<{ server: Server; port: number }> {
  const server = createServer(getRequestListener(app.fetch));
  // Node would cut long uploads and idle keep-alive connections; ComfyUI cuts neither.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new PortInUse(error.message) : error);
    });
    server.listen(at.port, at.address, resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Lets a server's `/ws` and `/api/ws` become sockets of the hub. */
export function acceptSockets(server: Server, hub: Hub, beforeAccept: () => Promise<void>): void {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: MAX_MESSAGE_BYTES });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname !== "/ws" && url.pathname !== "/api/ws") {
      socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    void beforeAccept().then(() => {
      sockets.handleUpgrade(
        request,
        socket,
        head,
        (accepted) => hub.attach(accepted, url.searchParams.get("clientId")),
      );
    });
  });
}

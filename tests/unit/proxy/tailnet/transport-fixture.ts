// A pod behind a scripted daemon, whose dials are connections to a server of the test.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { FleetError } from "../../../../contracts/errors.ts";
import type { TailnetPeer } from "../../../../proxy/tailnet/peers.ts";
import { createTailnetTransport } from "../../../../proxy/tailnet/transport.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";
import { podId } from "../jobs/ids.ts";
import { connectTo, createScriptedDaemon } from "./scripted-daemon.ts";

export const POD = podId(1);
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** A pod behind a daemon whose dials are connections to this server. */
export async function setUp(handler: Handler, clock = systemClock()) {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  const port = await listen(server);
  const daemon = createScriptedDaemon();
  const sockets = new Set<Duplex>();
  daemon.onDial = async () => {
    const socket = await connectTo(port);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const peers = new Map<string, TailnetPeer>([[POD, {
    stableId: "n2",
    nodeId: 2,
    hostName: "a",
    ip: "100.64.0.2",
    tags: ["tag:pod"],
    online: true,
    discoKey: null,
  }]]);
  const opened: string[] = [];
  const side = { open: (_peer: TailnetPeer): Promise<void> => Promise.resolve() };
  const transport = createTailnetTransport({
    api: daemon.api,
    peerOf: (id) => peers.get(id),
    paths: {
      open(peer) {
        opened.push(peer.ip);
        return side.open(peer);
      },
      close: (id) => void opened.push(`close ${id}`),
    },
    clock,
    port: 8189,
  });
  return Object.assign(side, {
    daemon,
    transport,
    peers,
    sockets,
    opened,
    async [Symbol.asyncDispose]() {
      transport.cut(POD);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export async function failureOf(work: Promise<unknown>): Promise<FleetError> {
  try {
    await work;
  } catch (error) {
    return error as FleetError;
  }
  throw new Error("it did not fail");
}

export const echo: Handler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    response.writeHead(201, { "content-type": "application/json", "set-cookie": ["a=1", "b=2"] });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  });
};

/**
 * A tailscaled's LocalAPI on a unix socket, every word of which a test decides. It refuses what the real one refuses
 * (another Host, an Origin), hangs where the real one may hang, and splices dials to local ports. For unit tests only:
 * what the real daemon does is shown in tests/tailnet.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { DEFAULT_CAPABILITY } from "../../../contracts/tailnet/words.ts";

/** Whois of a node; what `identity()` makes. */
export type FakeIdentity = Record<string, unknown>;

/** `hang`: no answer at all. `self`: not a peer. `refused`: what a closed port answers. A number: a port of 127.0.0.1. */
export type FakeDial = "hang" | "self" | "refused" | number;

export interface FakeLocalApi extends AsyncDisposable {
  readonly socketPath: string;
  /** `GET status?peers=false` and so on, in the order they came; `POST start` with its body behind it. */
  readonly calls: string[];
  /** What `/status` says, and a bus's first line. */
  status: Record<string, unknown>;
  onWhois: (address: string) => FakeIdentity | null | "hang" | "fail";
  onPing: (ip: string) => Record<string, unknown> | "hang";
  onDial: (to: { host: string; port: number }) => FakeDial;
  onStart: (options: unknown) => void;
  onLogin: () => void;
  /** Null: 204; else the text of a 500. */
  onLogout: () => string | null;
  /** A line to every watcher of the bus. */
  send(line: Record<string, unknown>): void;
  /** Cuts every watcher's stream. */
  cutBus(): void;
  readonly watchers: number;
  /** As kill -9 does: every connection is cut, and the socket refuses. */
  die(): Promise<void>;
  /** Listens again on the same path. */
  revive(): Promise<void>;
}

export function runningStatus(more: Record<string, unknown> = {}): Record<string, unknown> {
  const self = { ID: "n1", NodeID: 1, HostName: "node", TailscaleIPs: ["100.64.0.1"], Tags: ["tag:pod"], Online: true };
  return {
    Version: "1.102.3",
    BackendState: "Running",
    TailscaleIPs: ["100.64.0.1"],
    Health: [],
    Self: self,
    Peer: {},
    ...more,
  };
}

export function identity(
  { id = "n7", tags = ["tag:edge"], roles, capability = DEFAULT_CAPABILITY }: {
    id?: string;
    tags?: readonly string[];
    /** Undefined: no grant of the capability. */
    roles?: readonly string[];
    capability?: string;
  },
): FakeIdentity {
  return {
    Node: { StableID: id, Name: `${id}.tail.test.`, Tags: tags },
    UserProfile: { LoginName: "tagged-devices" },
    CapMap: roles === undefined ? null : { [capability]: [{ roles }] },
  };
}

/** @param at where to listen; by default in a folder of its own */
export async function startFakeLocalApi(at: { socketPath?: string } = {}): Promise<FakeLocalApi> {
  const folder = at.socketPath === undefined ? mkdtempSync(join(tmpdir(), "cf-ts-")) : null;
  const socketPath = at.socketPath ?? join(folder ?? "", "ts.sock");
  const sockets = new Set<Duplex>();
  const watchers = new Set<ServerResponse>();
  let server = await listen();

  async function listen(): Promise<Server> {
    const made = createServer((request, response) => void answer(request, response));
    made.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    made.on("upgrade", (request, socket) => dial(request, socket));
    await new Promise<void>((resolve) => made.listen(socketPath, resolve));
    return made;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host, origin, referer } = request.headers;
    if (host !== "local-tailscaled.sock" || origin !== undefined || referer !== undefined) {
      response.writeHead(403).end("forbidden");
      return;
    }
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const path = (request.url ?? "").replace("/localapi/v0/", "");
    fake.calls.push(`${request.method} ${path}${body === "" ? "" : ` ${body}`}`);
    const query = new URLSearchParams(path.split("?")[1]);
    const json = (value: unknown) => response.writeHead(200).end(JSON.stringify(value));
    switch (`${request.method} ${path.split("?")[0]}`) {
      case "GET status":
        return void json(fake.status);
      case "GET whois": {
        const found = fake.onWhois(query.get("addr") ?? "");
        if (found === "hang") return;
        if (found === "fail") return void response.writeHead(500).end("backend is not ready");
        return void (found === null ? response.writeHead(404).end("no match for IP:port") : json(found));
      }
      case "GET watch-ipn-bus":
        response.writeHead(200).write(`${JSON.stringify({ InitialStatus: fake.status })}\n`);
        watchers.add(response);
        response.once("close", () => watchers.delete(response));
        return;
      case "POST ping": {
        const found = fake.onPing(query.get("ip") ?? "");
        return void (found === "hang" ? null : json(found));
      }
      case "POST start":
        fake.onStart(JSON.parse(body));
        return void response.writeHead(204).end();
      case "POST login-interactive":
        fake.onLogin();
        return void response.writeHead(204).end();
      case "POST logout": {
        const failure = fake.onLogout();
        return void (failure === null ? response.writeHead(204).end() : response.writeHead(500).end(failure));
      }
      case "POST dial":
        return void response.writeHead(400).end("missing Dial-Host");
      default:
        return void response.writeHead(404).end("not found");
    }
  }

  function dial(request: IncomingMessage, socket: Duplex): void {
    const to = { host: String(request.headers["dial-host"]), port: Number(request.headers["dial-port"]) };
    fake.calls.push(`POST dial ${to.host}:${to.port}`);
    const found = fake.onDial(to);
    if (found === "hang") return;
    if (found === "self") return void socket.end("HTTP/1.1 200 OK\r\nDial-Self: true\r\ncontent-length: 0\r\n\r\n");
    const refuse = () => socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    if (found === "refused") return void refuse();
    const upstream = connect(found, "127.0.0.1", () => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ts-dial\r\n\r\n");
      // No half-close: either end closes both.
      upstream.pipe(socket).once("close", () => upstream.destroy());
      socket.pipe(upstream).once("close", () => socket.destroy());
    });
    upstream.once("error", refuse);
  }

  const fake: FakeLocalApi = {
    socketPath,
    calls: [],
    status: runningStatus(),
    onWhois: () => null,
    onPing: () => ({ LatencySeconds: 0.001, Endpoint: "127.0.0.1:41641" }),
    onDial: () => "self",
    onStart: () => {},
    onLogin: () => {},
    onLogout: () => null,
    send(line) {
      for (const watcher of watchers) watcher.write(`${JSON.stringify(line)}\n`);
    },
    cutBus() {
      for (const watcher of watchers) watcher.destroy();
    },
    get watchers() {
      return watchers.size;
    },
    async die() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    async revive() {
      server = await listen();
    },
    async [Symbol.asyncDispose]() {
      await fake.die();
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
  return fake;
}

/**
 * A connection to a local port that comes from over the tailnet: the fake's whois knows it as `who()`, asked each time.
 * Nobody else's whois is touched.
 */
export async function connectAs(
  fake: FakeLocalApi,
  { port, who }: { port: number; who: () => FakeIdentity | null | "hang" | "fail" },
): Promise<Socket> {
  const before = fake.onWhois;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: false });
  // The port is ours from here on, and the far end may ask before we hear that it has accepted.
  const known = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  fake.onWhois = (address) => (address === `127.0.0.1:${socket.localPort}` ? who() : before(address));
  await known;
  return socket;
}

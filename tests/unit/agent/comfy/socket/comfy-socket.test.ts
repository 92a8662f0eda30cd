import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../../../../agent/comfy/clock.ts";
import type { ComfyMessage } from "../../../../../agent/comfy/port.ts";
import { type ComfySocket, openComfySocket } from "../../../../../agent/comfy/socket/comfy-socket.ts";
import { type ComfyTimings, DEFAULT_TIMINGS } from "../../../../../agent/comfy/timings.ts";
import { createSilentLogger } from "../../../../support/comfy/silent-logger.ts";

const STATUS = JSON.stringify({ type: "status", data: { status: { exec_info: { queue_remaining: 0 } } } });
const FAST = { socketBackoffBaseMs: 10, socketBackoffMaxMs: 20, socketOpenMs: 200 };

type Peer = { server: WebSocketServer; clients: WebSocket[]; log: string[] };

const cleanUps: (() => Promise<void> | void)[] = [];

/** A server that notes what happens, in order, and greets as ComfyUI does unless told to be mute. */
async function startPeer({ mute = false } = {}): Promise<Peer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const peer: Peer = { server, clients: [], log: [] };
  server.on("connection", (client, request) => {
    peer.clients.push(client);
    peer.log.push(`open ${request.url} ${String(request.headers["sec-websocket-extensions"])}`);
    client.on("message", (data) => peer.log.push(String(data)));
    client.on("close", () => peer.log.push("close"));
    if (!mute) client.send(STATUS);
  });
  await new Promise((resolve) => server.once("listening", resolve));
  cleanUps.push(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return peer;
}

function open(peer: Peer, timings: Partial<ComfyTimings> = {}) {
  const messages: ComfyMessage[] = [];
  const lost: string[] = [];
  const deaf: number[] = [];
  const socket: ComfySocket = openComfySocket({
    baseUrl: `http://127.0.0.1:${(peer.server.address() as AddressInfo).port}`,
    clientId: "one client",
    clock: systemClock,
    random: Math.random,
    logger: createSilentLogger(),
    timings: { ...DEFAULT_TIMINGS, ...FAST, ...timings },
    onMessage: (message) => messages.push(message),
    onLost: (reason) => lost.push(reason),
    onDeaf: (timesInARow) => deaf.push(timesInARow),
  });
  cleanUps.push(() => socket.close());
  return { socket, messages, lost, deaf };
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe("openComfySocket()", () => {
  it("names its client, offers no compression and sends its features first", async () => {
    const peer = await startPeer();
    await open(peer).socket.opened;
    await vi.waitFor(() => expect(peer.log).toHaveLength(2));
    expect(peer.log).toEqual([
      "open /ws?clientId=one%20client undefined",
      '{"type":"feature_flags","data":{"supports_preview_metadata":true}}',
    ]);
  });

  it("hands on messages and pictures, and nothing unknown", async () => {
    const peer = await startPeer();
    const { socket, messages } = open(peer);
    await socket.opened;
    peer.clients[0]?.send(JSON.stringify({ type: "crystools.monitor", data: {} }));
    peer.clients[0]?.send(JSON.stringify({ type: "execution_start", data: { prompt_id: "p" } }));
    peer.clients[0]?.send(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0xff));
    await vi.waitFor(() => expect(messages).toHaveLength(2));
    expect(messages).toMatchObject([{ type: "started", promptId: "p" }, {
      type: "preview",
      contentType: "image/jpeg",
    }]);
  });

  it("opens itself anew after a cut, with the same client and its features again", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer);
    await socket.opened;
    peer.clients[0]?.terminate();
    await vi.waitFor(() => expect(peer.log.filter((line) => line.startsWith("open"))).toHaveLength(2));
    await vi.waitFor(() => expect(peer.log.at(-1)).toContain("feature_flags"));
    expect(lost).toHaveLength(1);
  });

  it("closes a socket without status before it opens the next one", async () => {
    const peer = await startPeer({ mute: true });
    open(peer, { socketOpenMs: 50 });
    await vi.waitFor(() => expect(peer.clients.length).toBeGreaterThan(2));
    const order = peer.log.filter((line) => !line.includes("feature_flags")).map((line) => line.split(" ")[0]);
    expect(order.slice(0, 5)).toEqual(["open", "close", "open", "close", "open"]);
  });

  it("leaves a silent server that answers no ping", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer, { socketPingMs: 20, socketSilenceMs: 60 });
    await socket.opened;
    peer.clients[0]?.pause();
    await vi.waitFor(() => expect(lost).toEqual(["ComfyUI was silent"]), 3_000);
  });

  it("survives a listener that throws", async () => {
    const peer = await startPeer();
    const { socket, messages } = open(peer);
    await socket.opened;
    messages.push = () => {
      delete (messages as { push?: unknown }).push;
      throw new Error("listener");
    };
    for (const prompt_id of ["a", "b"]) {
      peer.clients[0]?.send(JSON.stringify({ type: "execution_start", data: { prompt_id } }));
    }
    await vi.waitFor(() => expect(messages).toEqual([{ type: "started", promptId: "b" }]));
  });
});

describe("reopen()", () => {
  it("ends the connection and opens another with the same client", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer);
    await socket.opened;
    socket.reopen("it heard nothing");
    await vi.waitFor(() => expect(peer.clients).toHaveLength(2));
    expect(lost).toEqual(["it heard nothing"]);
  });

  it("opens none before the end of the old one was seen, though ComfyUI hears no close", async () => {
    const peer = await startPeer();
    const { socket } = open(peer);
    await socket.opened;
    const [held] = peer.clients;
    const states: (number | undefined)[] = [];
    peer.server.on("connection", () => states.push(held?.readyState));
    held?.pause();
    // So that the server sees the end as soon as there is one, and a new connection not before it.
    setTimeout(() => held?.resume(), 200);
    socket.reopen("it heard nothing");
    await vi.waitFor(() => expect(peer.clients).toHaveLength(2), 3_000);
    expect(states).toEqual([held?.CLOSED]);
  });
});

describe("expectStatus()", () => {
  it("opens a deaf socket anew", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer, { socketDeafMs: 50 });
    await socket.opened;
    await systemClock.sleep(5);
    socket.expectStatus(Date.now());
    await vi.waitFor(() => expect(lost).toEqual(["it heard nothing of a submitted prompt"]));
  });

  it("counts the deaf in a row, until one heard something after its greeting", async () => {
    const peer = await startPeer();
    const { socket, deaf } = open(peer, { socketDeafMs: 50 });
    const expectDeaf = async (connections: number) => {
      const before = deaf.length;
      await vi.waitFor(() =>
        expect(peer.log.filter((line) => line.includes("feature_flags"))).toHaveLength(connections)
      );
      await systemClock.sleep(5);
      socket.expectStatus(Date.now());
      await vi.waitFor(() => expect(deaf).toHaveLength(before + 1));
    };
    await expectDeaf(1);
    await expectDeaf(2);
    expect(deaf).toEqual([1, 2]);
    await vi.waitFor(() => expect(peer.clients).toHaveLength(3));
    peer.clients[2]?.send(STATUS);
    await expectDeaf(3);
    expect(deaf).toEqual([1, 2, 1]);
  });

  it("is for each prompt: one that was heard of says nothing of the next", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer, { socketDeafMs: 50 });
    await socket.opened;
    await systemClock.sleep(5);
    const first = Date.now();
    socket.expectStatus(first);
    socket.expectStatus(first);
    peer.clients[0]?.send(STATUS);
    await systemClock.sleep(20);
    socket.expectStatus(Date.now());
    await vi.waitFor(() => expect(lost).toEqual(["it heard nothing of a submitted prompt"]));
  });

  it("keeps a socket that hears its status, and one that was opened after the submit", async () => {
    const peer = await startPeer();
    const { socket, lost } = open(peer, { socketDeafMs: 50 });
    const beforeMs = Date.now() - 1;
    await socket.opened;
    socket.expectStatus(beforeMs);
    await systemClock.sleep(5);
    socket.expectStatus(Date.now());
    peer.clients[0]?.send(STATUS);
    await systemClock.sleep(120);
    expect([lost, peer.clients.length]).toEqual([[], 1]);
  });
});

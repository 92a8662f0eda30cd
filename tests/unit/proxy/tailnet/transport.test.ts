import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { FleetError } from "../../../../contracts/errors.ts";
import type { TailnetPeer } from "../../../../proxy/tailnet/peers.ts";
import { createTailnetTransport } from "../../../../proxy/tailnet/transport.ts";
import { systemClock } from "../../../../proxy/time/clock.ts";
import { podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { until } from "../pods/pod-side.ts";
import { connectTo, createScriptedDaemon } from "./scripted-daemon.ts";

const POD = podId(1);
const MIB = 1024 * 1024;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** A pod behind a daemon whose dials are connections to this server. */
async function setUp(handler: Handler, clock = systemClock()) {
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

async function failureOf(work: Promise<unknown>): Promise<FleetError> {
  try {
    await work;
  } catch (error) {
    return error as FleetError;
  }
  throw new Error("it did not fail");
}

const echo: Handler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    response.writeHead(201, { "content-type": "application/json", "set-cookie": ["a=1", "b=2"] });
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  });
};

describe("createTailnetTransport()", () => {
  it("sends the request to the pod's address on the agents' port and answers as fetch does", async () => {
    await using side = await setUp(echo);
    const response = await side.transport.fetch(POD, "/trpc/pod.beat?a=%2F", {
      method: "POST",
      headers: { "x-request-id": "r1" },
      body: "hällo",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.json()).toMatchObject({
      method: "POST",
      url: "/trpc/pod.beat?a=%2F",
      headers: { host: "100.64.0.2:8189", "x-request-id": "r1", "content-length": "6" },
      body: "hällo",
    });
    expect(side.daemon.dials).toEqual([{ host: "100.64.0.2", port: 8189 }]);
    expect(side.opened).toEqual(["100.64.0.2"]);
  });

  it("keeps the connection for the next call, whether or not the answer was read", async () => {
    await using side = await setUp((_, response) => response.end("ok"));
    for (let call = 0; call < 5; call += 1) {
      const response = await side.transport.fetch(POD, "/");
      if (call % 2 === 0) expect(await response.text()).toBe("ok");
      else await response.body?.cancel();
    }
    expect(side.daemon.dials).toHaveLength(1);
  });

  it("sends bytes and streams, and says when a stream of the caller's fails", async () => {
    await using side = await setUp(echo);
    const put = (body: BodyInit) => side.transport.fetch(POD, "/x", { method: "PUT", body, duplex: "half" });
    expect(await (await put(new TextEncoder().encode("bytes"))).json()).toMatchObject({ body: "bytes" });
    const stream = new Blob(["ab", "cd"]).stream();
    expect(await (await put(stream)).json()).toMatchObject({ body: "abcd" });
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("disk")) });
    expect(await failureOf(put(broken))).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
  });

  it("streams a large answer at its reader's pace", async () => {
    const total = 64 * MIB;
    let written = 0;
    await using side = await setUp((_, response) => {
      response.writeHead(200, { "content-length": total });
      const chunk = Buffer.alloc(MIB / 4);
      const more = () => {
        while (written < total) {
          written += chunk.byteLength;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { body } = await side.transport.fetch(POD, "/");
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    let read = (await reader.read()).value?.byteLength ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBeLessThan(total / 2);
    for (let part = await reader.read(); !part.done; part = await reader.read()) read += part.value.byteLength;
    expect(read).toBe(total);
  });

  it.each([
    ["a declared length", { "content-length": 100 }],
    ["chunks", {}],
    ["a long declared length", { "content-length": MIB }],
  ])("says so when the answer is cut short, with %s", async (_, headers) => {
    await using side = await setUp((_request, response) => {
      response.writeHead(200, headers);
      response.write("abc", () => response.destroy());
    });
    const read = side.transport.fetch(POD, "/").then((response) => response.text());
    expect(await failureOf(read)).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
  });

  it("ends call and connection with the caller's signal: before the answer, in it, and when its body is dropped", async () => {
    let closed = 0;
    await using side = await setUp((request, response) => {
      response.once("close", () => closed += 1);
      if (request.url === "/silent") return;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const before = new AbortController();
    const silent = side.transport.fetch(POD, "/silent", { signal: before.signal });
    await until(() => side.sockets.size === 1);
    before.abort(new Error("mine"));
    await expect(silent).rejects.toThrow("mine");
    const within = new AbortController();
    const stream = await side.transport.fetch(POD, "/", { signal: within.signal });
    const reader = stream.body?.getReader();
    await reader?.read();
    within.abort(new Error("also mine"));
    await expect(reader?.read()).rejects.toThrow("also mine");
    const dropped = await side.transport.fetch(POD, "/");
    await dropped.body?.cancel();
    await until(() => side.sockets.size === 0 && closed === 3);
    await expect(side.transport.fetch(POD, "/", { signal: within.signal })).rejects.toThrow("also mine");
  });

  it("ends a dial that nobody answers after 4 s: nothing was sent, and the next dial pings again", async () => {
    const clock = createManualClock();
    await using side = await setUp(echo, clock);
    const daemon = createScriptedDaemon();
    side.daemon.onDial = daemon.onDial;
    const failing = failureOf(side.transport.fetch(POD, "/", { method: "POST", body: "x" }));
    await clock.advance(3_900);
    expect(side.opened).toEqual(["100.64.0.2"]);
    await clock.advance(200);
    expect(await failing).toMatchObject({ code: "agent_unreachable", details: { sent: false } });
    expect(side.opened).toEqual(["100.64.0.2", "close n2"]);
  });

  it("does not keep what a caller dials who has left meanwhile", async () => {
    await using side = await setUp(echo);
    const { onDial } = side.daemon;
    let letGo = () => {};
    side.daemon.onDial = async (to, signal) => {
      await new Promise<void>((resolve) => (letGo = resolve));
      return await onDial(to, signal);
    };
    const stop = new AbortController();
    const call = side.transport.fetch(POD, "/", { signal: stop.signal });
    await until(() => side.daemon.dials.length === 1);
    stop.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    letGo();
    await until(() => side.sockets.size === 1);
    side.transport.cut(POD);
    await until(() => side.sockets.size === 0);
  });

  it("repeats a GET once when a kept connection turns out to be closed, but not what may have been done", async () => {
    await using side = await setUp((request, response) => {
      if (request.url !== "/" || request.headers["x-cut"] === undefined) return void response.end("ok");
      request.socket.destroy();
    });
    const warm = async () => await (await side.transport.fetch(POD, "/warm")).text();
    await warm();
    const dialled = side.daemon.dials.length;
    // The first try goes over the kept connection, the second over a new one, and both are cut.
    const get = await failureOf(side.transport.fetch(POD, "/", { headers: { "x-cut": "1" } }));
    expect(get).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
    expect(side.daemon.dials.length).toBe(dialled + 1);
    await warm();
    const before = side.daemon.dials.length;
    const post = await failureOf(side.transport.fetch(POD, "/", { method: "POST", headers: { "x-cut": "1" } }));
    expect(post).toMatchObject({ code: "agent_unreachable", details: { sent: true } });
    expect(side.daemon.dials.length).toBe(before);
  });

  it("refuses a pod that is no peer, or not any more, and cuts what it had", async () => {
    await using side = await setUp((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    expect(await failureOf(side.transport.fetch(podId(2), "/"))).toMatchObject({
      code: "agent_unreachable",
      details: { sent: false },
    });
    const reader = (await side.transport.fetch(POD, "/")).body?.getReader();
    await reader?.read();
    side.peers.delete(POD);
    side.transport.cut(POD);
    expect(await failureOf(reader?.read() ?? Promise.resolve())).toMatchObject({ code: "agent_unreachable" });
    expect(await failureOf(side.transport.fetch(POD, "/"))).toMatchObject({ details: { sent: false } });
    expect(side.sockets.size).toBe(0);
  });

  it("uses no connection any more after renew(), and cuts what there is when the path answers again", async () => {
    await using side = await setUp((request, response) => {
      if (request.url !== "/stream") return void response.end("ok");
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
    });
    const reader = (await side.transport.fetch(POD, "/stream")).body?.getReader();
    await reader?.read();
    let answer = () => {};
    const opening = new Promise<void>((resolve) => (answer = resolve));
    side.open = () => opening;
    side.transport.renew(POD);
    expect(side.sockets.size).toBe(1);
    const call = side.transport.fetch(POD, "/");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(side.daemon.dials).toHaveLength(1);
    expect(side.sockets.size).toBe(1);
    answer();
    expect(await failureOf(reader?.read() ?? Promise.resolve())).toMatchObject({ code: "agent_unreachable" });
    expect(await (await call).text()).toBe("ok");
  });

  it("uses no connection of another address, and no host that a path looks like", async () => {
    await using side = await setUp(echo);
    await (await side.transport.fetch(POD, "/a")).text();
    const peer = side.peers.get(POD);
    if (peer) side.peers.set(POD, { ...peer, ip: "100.64.0.9" });
    const answer = await (await side.transport.fetch(POD, "//evil.example/x")).json();
    expect(answer).toMatchObject({ headers: { host: "100.64.0.9:8189" } });
    expect(side.daemon.dials.map(({ host }) => host)).toEqual(["100.64.0.2", "100.64.0.9"]);
  });
});

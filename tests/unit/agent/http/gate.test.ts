// Who gets how far, over every procedure of the contract and every raw path.
import { describe, expect, it } from "vitest";
import { agentRouter } from "../../../../contracts/agent/router.ts";
import { connectAs, type FakeIdentity, identity } from "../../../support/tailnet/fake-local-api.ts";
import { allOf, head, startGatedAgent } from "./gated-agent.ts";

const SHA = "0".repeat(64);
const ATTEMPT = "att_01h455vb4pex5vsknk084sn02q";

interface Flat {
  _def: { type: "query" | "mutation" | "subscription"; meta?: { operator?: string } };
}

const PROCEDURES = Object.entries(agentRouter._def.procedures as object as Record<string, Flat>).map((
  [path, { _def }],
) => ({
  path,
  role: _def.meta?.operator === undefined ? "invoke" : _def.meta.operator === "pods:read" ? "observe" : "operate",
  request: _def.type === "mutation"
    ? `${head("POST", `/trpc/${path}`, { "content-type": "application/json", "content-length": "11" })}{"json":{}}`
    : head("GET", `/trpc/${path}?input=%7B%7D`),
}));
const RAW = [
  { path: "/metrics", role: "observe", request: head("GET", "/metrics") },
  { path: "/inputs", role: "invoke", request: `${head("PUT", `/inputs/${SHA}`, { "content-length": "3" })}abc` },
  { path: "/attempts", role: "invoke", request: head("GET", `/attempts/${ATTEMPT}/outputs/0`) },
  { path: "/object-info", role: "invoke", request: head("GET", `/object-info/${SHA}`) },
  { path: "/", role: "invoke", request: head("GET", "/") },
  { path: "/nothing", role: "invoke", request: head("DELETE", "/nothing") },
  { path: "/trpc/nothing", role: "invoke", request: head("GET", "/trpc/nothing") },
  { path: "batch", role: "invoke", request: head("GET", "/trpc/pod.describe,attempts.get?batch=1") },
  { path: "other spelling", role: "invoke", request: head("GET", "/trpc/comfy%2Elogs") },
];
const EVERYTHING = [...PROCEDURES, ...RAW];

const STRANGERS: [name: string, who: FakeIdentity | null][] = [
  ["somebody on this machine", null],
  ["an edge without the capability", identity({ tags: ["tag:edge"] })],
  ["an edge with the capability of something else", identity({ roles: ["invoke"], capability: "other.example/cap" })],
  ["an edge with roles that there are not", identity({ roles: ["root", "*"] })],
  ["a node that may invoke and is no edge", identity({ tags: ["tag:other"], roles: ["invoke"] })],
  ["a person who may invoke", identity({ tags: [], roles: ["invoke"] })],
  ["a pod whatever it is granted", identity({ tags: ["tag:pod"], roles: ["invoke", "observe", "operate"] })],
  ["a pod for development that is an edge too", identity({ tags: ["tag:dev-pod", "tag:edge"], roles: ["invoke"] })],
];

const statusOf = (answer: string) => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
const bodyOf = (answer: string) => answer.split("\r\n\r\n").slice(1).join("\r\n\r\n");

describe("the gate of the agent", () => {
  it.each(STRANGERS)("has one 404 for everything to %s, and executes nothing", async (_name, who) => {
    await using agent = await startGatedAgent();
    expect(PROCEDURES.length).toBeGreaterThanOrEqual(17);
    const bodies = new Set<string>();
    for (const { path, request } of EVERYTHING) {
      const answer = await agent.ask(request, who);
      expect([path, statusOf(answer)]).toEqual([path, 404]);
      bodies.add(bodyOf(answer));
    }
    expect([...bodies]).toEqual(['{"error":{"code":"not_found","message":"Cannot find this path","retryable":false}}']);
    expect(agent.executed).toEqual([]);
  });

  it.each(["observe", "operate", "invoke"])("gives %s what it may do and forbids the rest", async (role) => {
    await using agent = await startGatedAgent();
    const who = identity({ tags: role === "invoke" ? ["tag:edge"] : [], roles: [role] });
    for (const { path, role: needed, request } of EVERYTHING) {
      const before = agent.executed.length;
      const answer = await agent.ask(request, who);
      if (needed === role) expect([path, statusOf(answer)]).not.toEqual([path, 403]);
      else expect([path, statusOf(answer), agent.executed.length]).toEqual([path, 403, before]);
    }
    expect(agent.executed.length).toBeGreaterThan(0);
  });

  it.each([
    "%63omfy.restart",
    "comfy%2Erestart",
    "comfy.restart/",
    "/comfy.restart",
    "x/../comfy.restart",
    "comfy.restart%2F",
  ])(
    "does not let an edge restart ComfyUI as '%s' that may only invoke",
    async (name) => {
      await using agent = await startGatedAgent();
      const json = { "content-type": "application/json", "content-length": "11" };
      const request = `${head("POST", `/trpc/${name}`, json)}{"json":{}}`;
      expect([403, 404]).toContain(statusOf(await agent.ask(request, identity({ roles: ["invoke"] }))));
      expect(agent.executed).toEqual([]);
    },
  );

  it("has the roles of all grants together, and answers an edge as before", async () => {
    await using agent = await startGatedAgent();
    const who = identity({ roles: ["observe", "invoke", "operate"] });
    for (const { request } of EVERYTHING) await agent.ask(request, who);
    // Not the gate's 404, but the app's own.
    expect(bodyOf(await agent.ask(head("GET", "/nothing"), who))).toContain('"hint"');
    const services = new Set(agent.executed.map((call) => call.split(".")[0]));
    expect([...services]).toEqual(
      expect.arrayContaining(["attempts", "comfy", "gpu", "metrics", "objectInfo", "pod", "tailnet"]),
    );
  });

  it("refuses before a body is read, and asks for none", async () => {
    await using agent = await startGatedAgent();
    const large = { "content-length": "1000000", expect: "100-continue" };
    const answer = await agent.ask(head("PUT", `/inputs/${SHA}`, large), null);
    expect(answer).toMatch(/^HTTP\/1.1 404 /);
    const unknown = await agent.ask(head("GET", "/metrics", { expect: "something" }), null);
    expect(unknown).toMatch(/^HTTP\/1.1 404 /);
    const known = await agent.ask(
      head("PUT", `/inputs/${SHA}`, { ...large, "content-length": "3" }),
      identity({ roles: ["invoke"] }),
    );
    expect(known).toMatch(/^HTTP\/1.1 100 Continue/);
  });

  it("has the same answer for a request without a host, and none for a connection that does not wait for its answer", async () => {
    await using agent = await startGatedAgent({ whoisMs: 60_000 });
    const hostless = "GET /metrics HTTP/1.1\r\n\r\n";
    expect(statusOf(await agent.ask(hostless, null))).toBe(404);
    expect(statusOf(await agent.ask(hostless, identity({ roles: ["observe"] })))).toBe(400);
    expect(await agent.ask(head("GET", "/metrics").repeat(33), "hang")).toBe("");
    expect(agent.executed).toEqual([]);
  });

  it("says nothing at all to a stranger's malformed HTTP", async () => {
    await using agent = await startGatedAgent();
    expect(await agent.ask("BAD\r\n\r\n", null)).toBe("");
    expect(await agent.ask(head("GET", "\\x"), null)).toMatch(/^(?:|HTTP\/1.1 404 [^]*)$/);
    const known = await connectAs(agent.fake, { port: agent.port, who: () => identity({ roles: ["invoke"] }) });
    known.write(head("GET", "/nothing"));
    await expect.poll(() => agent.fake.calls.length, { timeout: 5_000 }).toBe(3);
    known.write("BAD\r\n\r\n");
    expect(await allOf(known)).toMatch(/^HTTP\/1.1 40/);
  });

  it("believes nobody while tailscaled does not answer, or is not ready", async () => {
    await using agent = await startGatedAgent({ whoisMs: 100 });
    expect(await agent.ask(head("GET", "/metrics"), "fail")).toBe("");
    expect(await agent.ask(head("GET", "/metrics"), "hang")).toBe("");
    await agent.fake.die();
    expect(await agent.ask(head("GET", "/metrics"), identity({ roles: ["observe"] }))).toBe("");
    expect(agent.executed).toEqual([]);
    await agent.fake.revive();
    expect(statusOf(await agent.ask(head("GET", "/metrics"), identity({ roles: ["observe"] })))).toBe(200);
  });

  it("asks once for a connection, however many requests come on it", async () => {
    await using agent = await startGatedAgent();
    const socket = await connectAs(agent.fake, { port: agent.port, who: () => identity({ roles: ["observe"] }) });
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.write(head("GET", "/metrics").repeat(20));
    await expect.poll(() => text.split("HTTP/1.1 200").length - 1, { timeout: 5_000 }).toBe(20);
    expect(agent.fake.calls).toHaveLength(1);
    socket.destroy();
  });

  it("lets a stranger in after its grant, on a new connection", async () => {
    await using agent = await startGatedAgent();
    const answer = await agent.ask(head("GET", "/metrics"), identity({}));
    expect(answer).toMatch(/connection: close/i);
    expect(agent.callers.last).toBeNull();
    expect(statusOf(await agent.ask(head("GET", "/metrics"), identity({ roles: ["observe"] })))).toBe(200);
    expect(agent.callers.last).toMatchObject({ node: "n7", roles: new Set(["observe"]) });
  });
});

describe("a caller whose right is revoked", () => {
  const TIMING = { recheckMs: 60, whoisMs: 200, retryMs: 20, trustMs: 500 };
  const STREAM = head("GET", "/trpc/pod.watch", { accept: "text/event-stream" });

  it.each<[string, () => FakeIdentity | null | "hang" | "fail"]>([
    ["the capability", () => identity({})],
    ["one of its roles", () => identity({ roles: ["observe"] })],
    ["its tag", () => identity({ tags: ["tag:other"], roles: ["invoke", "observe"] })],
    ["its node", () => null],
    ["its identity", () => identity({ id: "another", roles: ["invoke", "observe"] })],
    ["tailscaled's answers", () => "fail"],
    ["tailscaled's patience", () => "hang"],
  ])("loses its stream when it loses %s", async (_name, after) => {
    await using agent = await startGatedAgent(TIMING);
    let who: FakeIdentity | null | "hang" | "fail" = identity({ roles: ["invoke", "observe"] });
    const socket = await connectAs(agent.fake, { port: agent.port, who: () => who });
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk)).on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(STREAM);
    await expect.poll(() => text, { timeout: 5_000 }).toContain('"type":"tick"');
    await expect.poll(() => agent.fake.calls.length, { timeout: 5_000 }).toBeGreaterThan(3);
    expect(socket.destroyed).toBe(false);
    who = after();
    await closed;
    expect(agent.logger.lines.map(([, message]) => message)).toContain("caller cut off");
  });

  it("loses it in time however many others are asked about before it", async () => {
    await using agent = await startGatedAgent({ recheckMs: 60, whoisMs: 400, retryMs: 20, trustMs: 500 });
    let who: FakeIdentity | "hang" = identity({ roles: ["observe"] });
    const sockets = await Promise.all(
      Array.from({ length: 40 }, () => connectAs(agent.fake, { port: agent.port, who: () => who })),
    );
    for (const socket of sockets) socket.on("error", () => undefined).resume().write(head("GET", "/metrics"));
    await expect.poll(() => agent.executed.length, { timeout: 10_000 }).toBe(40);
    who = "hang";
    // Two at a time, 400 ms each, would take eight seconds.
    await expect.poll(() => sockets.filter((socket) => !socket.destroyed).length, { timeout: 4_000 }).toBe(0);
  });

  it("keeps it over one answer that did not come", async () => {
    await using agent = await startGatedAgent({ ...TIMING, trustMs: 5_000 });
    let answers = 0;
    const who = () => (++answers === 2 ? "fail" : identity({ roles: ["invoke"] }));
    const socket = await connectAs(agent.fake, { port: agent.port, who });
    socket.write(STREAM);
    await expect.poll(() => answers, { timeout: 5_000 }).toBeGreaterThan(6);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    await expect.poll(() => agent.logger.lines.some(([, message]) => message === "caller cut off")).toBe(false);
  });
});

describe("many connections of this machine's own", () => {
  it("are asked for two at a time, and those beyond a bound are closed unasked", async () => {
    await using agent = await startGatedAgent();
    const flood = await Promise.all(
      Array.from({ length: 100 }, () => connectAs(agent.fake, { port: agent.port, who: () => "hang" })),
    );
    await expect.poll(() => flood.filter((socket) => socket.readyState === "closed").length, { timeout: 5_000 }).toBe(
      34,
    );
    expect(agent.fake.calls).toHaveLength(2);
    expect(agent.logger.lines.map(([, message]) => message)).toEqual(["caller not identified"]);
    for (const socket of flood) socket.destroy();
  });
});

/** Who is who at the agent's one port: every procedure and route, for every caller who has nothing to look for there. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import superjson from "superjson";
import { OPERATOR_PROCEDURES } from "../../contracts/agent/operator.ts";
import { PodDescription } from "../../contracts/agent/messages.ts";
import { AGENT_PORT } from "../../contracts/tailnet/words.ts";
import { listenerPid } from "../support/fleet/listener-pid.ts";
import { until } from "../support/fleet/until.ts";
import { type AgentCall, agentCalls, STRANGE_POD } from "../support/tailnet/agent-calls.ts";
import type { Daemon } from "../support/tailnet/daemon.ts";
import { ask, type HttpAnswer, locally, type Open, open, through } from "../support/tailnet/http-over.ts";
import { openConnections } from "../support/tailnet/open-connections.ts";
import { POD_PORTS, startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { EDGE_GRANT, policyOf } from "../support/tailnet/policies.ts";
import { reach, warmUp } from "../support/tailnet/reach.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

/** All of these get through to the agent's port; whether they may do something there is the agent's to say. */
const POLICY = policyOf([
  EDGE_GRANT,
  { src: "tag:other" },
  { src: "tag:pod", roles: ["observe", "invoke", "operate"] },
  { src: "ana@", roles: ["observe"] },
  { src: "ben@", roles: ["operate", "observe"] },
  { src: "eve@", roles: ["invoke"] },
]);
/** The edge still gets through, and has no capability any more. */
const REVOKED = policyOf([{ src: "tag:edge" }, { src: "tag:other" }]);

let tailnet: TestTailnet;
let pod: TailnetPod;
let podIp: { ip: string };
const nodes = new Map<string, Daemon>();
const node = (name: string): Daemon => nodes.get(name) ?? expect.unreachable(`no node ${name}`);
const from = (name: string): Open => through(node(name), podIp);

beforeAll(async () => {
  tailnet = await startTailnet({ policy: policyOf([EDGE_GRANT]) });
  for (const user of ["ana", "ben", "eve"]) await tailnet.headscale.addUser(user);
  await tailnet.headscale.setPolicy(POLICY);
  pod = await startPod(tailnet, { name: "pod-1" });
  nodes.set("edge", await tailnet.addDaemon("edge", { tags: ["tag:edge"] }));
  nodes.set("other", await tailnet.addDaemon("other", { tags: ["tag:other"] }));
  nodes.set("pod-2", await tailnet.addDaemon("pod-2"));
  for (const user of ["ana", "ben", "eve"]) nodes.set(user, await tailnet.addDaemon(user, { user, ephemeral: false }));
  const joined = await until("the pod to be on the tailnet", async () => {
    const { Peer } = await node("edge").api.status({ peers: true }, AbortSignal.timeout(5_000));
    return Peer.find(({ HostName }) => HostName === "pod-1") ?? null;
  });
  podIp = { ip: joined.TailscaleIPs[0] ?? "" };
  for (const one of nodes.values()) {
    await until(`${one.name} to reach the agent`, async () => {
      await warmUp(one, podIp);
      return await reach(one, podIp.ip, 8189).catch(() => null) === "open" || null;
    });
  }
  await until("ComfyUI", () => listenerPid(POD_PORTS.comfy));
});

afterAll(async () => {
  await pod?.[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

/** What would differ if one of the calls had been executed. */
async function traces() {
  const answer = await ask(from("edge"), { path: "/trpc/pod.describe" });
  const { result } = JSON.parse(answer.body) as { result: { data: unknown } };
  const { podId } = PodDescription.parse(superjson.deserialize(result.data as never));
  const state = join(pod.dir, "agent");
  const inputs = readdirSync(state, { recursive: true, encoding: "utf8" }).filter((name) =>
    /(^|\/)inputs?\/|att_/.test(name)
  );
  return { podId, inputs, comfy: listenerPid(POD_PORTS.comfy) };
}

async function askAll(connection: Open): Promise<[AgentCall, HttpAnswer][]> {
  const answers: [AgentCall, HttpAnswer][] = [];
  for (const call of agentCalls()) answers.push([call, await ask(connection, call)]);
  return answers;
}

async function expectNobody(connection: Open): Promise<void> {
  const before = await traces();
  expect(before.podId).toBeNull();
  const answers = await askAll(connection);
  const seen = answers.map(([{ name }, { status }]) => [name, status]);
  expect(seen).toEqual(answers.map(([{ name }]) => [name, 404]));
  // Not even by its words does an answer tell one path from another.
  expect(new Set(answers.map(([, { body }]) => body)).size).toBe(1);
  expect(answers[0]?.[1].body).not.toMatch(/agent|comfyfleet|trpc/i);
  expect(await traces()).toEqual(before);
}

describe("callers without a role get 404 for everything, and nothing is executed", () => {
  it("a process of the pod itself", () => expectNobody(locally));
  it("another pod, even where the policy grants it all roles", () => expectNobody(from("pod-2")));
  it("a node that gets through and has no capability", () => expectNobody(from("other")));
  it("a person whom the policy grants what edges alone may do", () => expectNobody(from("eve")));

  it("an edge without the capability", async () => {
    // Looked at as another node: what the edge itself sees is what is tested.
    const before = await traces();
    await tailnet.headscale.setPolicy(REVOKED);
    try {
      await until("the pod to be told", async () => {
        return (await ask(from("edge"), { path: "/metrics" })).status === 404 || null;
      });
      const answers = await askAll(from("edge"));
      expect(answers.map(([{ name }, { status }]) => [name, status])).toEqual(
        answers.map(([{ name }]) => [name, 404]),
      );
    } finally {
      await tailnet.headscale.setPolicy(POLICY);
    }
    const after = await until("the edge to have its capability again", () => traces().catch(() => null));
    expect(after).toEqual(before);
  });

  it.each([["a process of the pod", () => locally], ["a stranger", () => from("other")]])(
    "%s: the answer comes before the body is read",
    async (_, connection) => {
      const headers = { "content-length": String(100 * 1024 * 1024) };
      const answer = await ask(connection(), { method: "PUT", path: `/inputs/${"0".repeat(64)}`, headers });
      expect(answer.status).toBe(404);
    },
  );
});

describe("callers with a role", () => {
  it("an edge may do all", async () => {
    for (const name of ["pod.describe", "comfy.logs", "gpu.verdict", "tailnet.selfCheck", "GET /metrics"]) {
      const call = agentCalls().find((one) => one.name === name) ?? expect.unreachable(name);
      expect([name, (await ask(from("edge"), call)).status]).toEqual([name, 200]);
    }
  });

  const readable = (name: string) => OPERATOR_PROCEDURES.get(name)?.scope === "pods:read" || name === "GET /metrics";
  it.each([
    ["ana", "observe", readable],
    ["ben", "operate", (name: string) => readable(name) || OPERATOR_PROCEDURES.has(name)],
  ])("a person's node (%s) with %s may do that and nothing else", async (name, _, mayDo) => {
    for (const call of agentCalls()) {
      // Its stream has no end.
      const response = await open(from(name), call);
      const status = response.statusCode;
      response.destroy();
      expect([call.name, status === 403]).toEqual([call.name, !mayDo(call.name)]);
      // A restart of ComfyUI was just asked for, so that what follows it may find none.
      if (mayDo(call.name)) expect([200, 503]).toContain(status);
    }
  });
});

describe("a caller whose grant is revoked", () => {
  beforeEach(() => tailnet.headscale.setPolicy(POLICY));

  it("loses its open stream within ten seconds, and gets 404 from then on", async () => {
    const stream = await open(from("edge"), { path: "/trpc/pod.watch", headers: { accept: "text/event-stream" } });
    expect(stream.statusCode).toBe(200);
    const ended = new Promise<void>((resolve) => stream.resume().once("close", resolve).on("error", () => {}));
    await tailnet.headscale.setPolicy(REVOKED);
    const revokedMs = performance.now();
    await ended;
    expect(performance.now() - revokedMs).toBeLessThan(10_000);
    expect((await ask(from("edge"), { path: "/metrics" })).status).toBe(404);
  });
});

describe("a stolen edge", () => {
  it("whose device is deleted loses its open stream within ten seconds, and is answered no more", async () => {
    await tailnet.headscale.setPolicy(POLICY);
    const stolen = await tailnet.addDaemon("stolen", { tags: ["tag:edge"] });
    await warmUp(stolen, podIp);
    expect((await ask(through(stolen, podIp), { path: "/metrics" })).status).toBe(200);
    const before = openConnections(AGENT_PORT);
    const headers = { accept: "text/event-stream" };
    const stream = await open(through(stolen, podIp), { path: "/trpc/pod.watch", headers });
    expect(stream.statusCode).toBe(200);
    let heardMs = 0;
    stream.on("data", () => (heardMs = performance.now())).on("error", () => {});
    const held = openConnections(AGENT_PORT).difference(before);
    expect(held.size).toBe(1);

    await tailnet.headscale.deleteNode(stolen.stableId);
    const deletedMs = performance.now();
    // Looked at where the agent is: no packet tells the thief of it any more.
    await until("the agent to end the stream", () => openConnections(AGENT_PORT).isDisjointFrom(held) || null);
    const endedMs = performance.now();
    console.log(`device deleted → its stream ended at the agent after ${Math.round(endedMs - deletedMs)} ms`);
    expect(endedMs - deletedMs).toBeLessThan(10_000);
    const { BackendState } = await stolen.api.status({ peers: false }, AbortSignal.timeout(5_000));
    for (const path of ["/metrics", "/trpc/pod.describe"]) {
      const answer = ask(through(stolen, podIp), { path });
      await expect(answer, `${path} for one that is ${BackendState}`).rejects.toThrow();
    }
    expect(heardMs).toBeLessThan(endedMs);
    stream.destroy();
    expect((await ask(from("edge"), { path: "/metrics" })).status).toBe(200);
  });
});

describe("the same calls of an edge that may", () => {
  it("leave the traces that those of strangers do not: the pod's id, an input, another ComfyUI", async () => {
    await tailnet.headscale.setPolicy(POLICY);
    const before = await until("the edge to be let in", () => traces().catch(() => null));
    const names = ["pod.beat", "attempts.start", "PUT /inputs", "comfy.restart"];
    for (const call of agentCalls().filter(({ name }) => names.includes(name))) {
      const { status } = await ask(from("edge"), call);
      expect([call.name, status >= 200 && status < 300]).toEqual([call.name, true]);
    }
    const after = await until("another ComfyUI", async () => {
      const now = await traces();
      return now.comfy !== null && now.comfy !== before.comfy ? now : null;
    });
    expect(after.podId).toBe(STRANGE_POD);
    expect(after.inputs.length).toBeGreaterThan(before.inputs.length);
  });
});

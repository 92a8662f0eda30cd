/** The shipped policy on a real headscale: what it opens, what it leaves closed, and that its own tests have teeth. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rolesOf } from "../../contracts/tailnet/local-api-schemas.ts";
import { AGENT_PORT, CLOSED_POD_PORTS, DEFAULT_CAPABILITY } from "../../contracts/tailnet/words.ts";
import { until } from "../support/fleet/until.ts";
import { type Daemon, soon } from "../support/tailnet/daemon.ts";
import { parseHujson } from "../support/tailnet/hujson.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { reach, warmUp } from "../support/tailnet/reach.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

/** Somebody answers on every port that is tried, so that a closed one is closed by the policy. */
const PORTS = [AGENT_PORT, ...CLOSED_POD_PORTS, 8000, 8080, 22];

const POLICY_FOR_TAILSCALE = new URL("../../docker/tailnet/policy.hujson", import.meta.url);

let tailnet: TestTailnet;
let edge: Daemon;
let pod: Daemon;
let otherPod: Daemon;
let devPod: Daemon;
let listeners: Server[] = [];

beforeAll(async () => {
  tailnet = await startTailnet();
  await tailnet.headscale.addUser("ana");
  edge = await tailnet.addDaemon("edge", { tags: ["tag:edge"], ephemeral: false });
  pod = await tailnet.addDaemon("pod-1");
  otherPod = await tailnet.addDaemon("pod-2");
  devPod = await tailnet.addDaemon("dev-1", { tags: ["tag:dev-pod"] });
  listeners = await Promise.all(PORTS.map(async (port) => {
    const server = createServer((socket) => socket.resume()).listen(port, "127.0.0.1");
    await once(server, "listening");
    return server;
  }));
  for (const one of [pod, otherPod, devPod]) await warmUp(edge, one);
});

afterAll(async () => {
  for (const server of listeners) server.close();
  await tailnet?.[Symbol.asyncDispose]();
});

describe("the shipped policy", () => {
  it("passes its own tests, with a node of every tag on the tailnet", async () => {
    expect(await tailnet.headscale.checkPolicy(shippedPolicy())).toMatchObject({ ok: true });
    const { tests } = parseHujson(readFileSync(POLICY_FOR_TAILSCALE, "utf8")) as { tests: unknown };
    const withAll = JSON.stringify({ ...parseHujson(shippedPolicy()) as object, tests });
    expect(await tailnet.headscale.checkPolicy(withAll)).toMatchObject({ ok: true });
  });

  it("can be read again while there is no development pod", async () => {
    await using alone = await startTailnet();
    await alone.addDaemon("edge", { tags: ["tag:edge"] });
    await alone.addDaemon("pod");
    expect(await alone.headscale.setPolicy(`${shippedPolicy()}\n`)).toEqual({ taken: true });
  });

  it("is refused while no node has the tags that its tests name: the one of before stays in force", async () => {
    await using alone = await startTailnet();
    const opened = shippedPolicy().replace('"tcp:8189"', '"tcp:8189", "tcp:8080"');
    expect(await alone.headscale.setPolicy(opened)).toEqual({ taken: false });
    const from = await alone.addDaemon("edge", { tags: ["tag:edge"] });
    const to = await alone.addDaemon("pod");
    await warmUp(from, to);
    const found = () => Promise.all([AGENT_PORT, 8080].map((port) => reach(from, to.ip, port)));
    expect(await found()).toEqual(["open", "dropped"]);
    expect(await alone.headscale.setPolicy(opened)).toEqual({ taken: true });
    await until("the port to be opened", async () => (await found()).every((one) => one === "open") || null);
  });

  it.each([
    ["another port of pods", (text: string) => text.replace('"tcp:8189"', '"tcp:8188-8189"')],
    ["pods calling pods", (text: string) => text.replace('"src": ["tag:edge"]', '"src": ["tag:edge", "tag:pod"]')],
    [
      "pods calling edges",
      (text: string) =>
        text.replace('"dst": ["tag:pod"', '"dst": ["tag:edge", "tag:pod"').replace(
          '"src": ["tag:edge"]',
          '"src": ["tag:edge", "tag:pod"]',
        ),
    ],
    ["no port at all", (text: string) => text.replace('"tcp:8189"', '"tcp:8190"')],
  ])("refuses to be changed so that it opens %s", async (_, change) => {
    const changed = change(shippedPolicy());
    expect(changed).not.toBe(shippedPolicy());
    const { ok, said } = await tailnet.headscale.checkPolicy(changed);
    expect(said).toMatch(/test/i);
    expect(ok).toBe(false);
  });

  it("lets an edge reach the agent's port of pods, and no other", async () => {
    for (const { ip } of [pod, devPod]) {
      const found = await Promise.all(PORTS.map(async (port) => [port, await reach(edge, ip, port)] as const));
      expect(found).toEqual(PORTS.map((port) => [port, port === AGENT_PORT ? "open" : "dropped"]));
    }
  });

  it("shows a pod its edges and nobody else", async () => {
    for (const one of [pod, otherPod, devPod]) {
      const { Peer } = await one.api.status({ peers: true }, soon());
      expect(Peer.map(({ ID }) => ID)).toEqual([edge.stableId]);
    }
  });

  it("lets no pod reach a pod, nor an edge", async () => {
    for (const [from, to] of [[pod, otherPod], [otherPod, pod], [pod, devPod], [devPod, pod]] as const) {
      const found = await Promise.all(PORTS.map((port) => reach(from, to.ip, port)));
      expect(new Set(found)).toEqual(new Set(["no peer"]));
    }
    for (const from of [pod, devPod]) {
      const found = await Promise.all(PORTS.map((port) => reach(from, edge.ip, port)));
      expect(new Set(found)).toEqual(new Set(["dropped"]));
    }
  });

  it("tells the pod who calls: the edge's tag and its three roles", async () => {
    const answered = new Promise<string>((resolve) => {
      listeners[0]?.once("connection", ({ remotePort }) => resolve(`127.0.0.1:${remotePort}`));
    });
    const dialled = edge.api.dial({ host: pod.ip, port: AGENT_PORT }, soon());
    const caller = await pod.api.whois(await answered, soon());
    (await dialled).destroy();
    expect(caller?.Node).toMatchObject({ StableID: edge.stableId, Tags: ["tag:edge"] });
    expect(caller && [...rolesOf(caller, DEFAULT_CAPABILITY)].toSorted()).toEqual(["invoke", "observe", "operate"]);
  });

  it("opens ComfyUI and Jupyter of development pods to whom somebody names, once that grant is turned on", async () => {
    const ana = await tailnet.addDaemon("ana", { user: "ana", ephemeral: false });
    const turnedOn = shippedPolicy().replace(/^( *)\/\/ (\{ "src": \["ana@"\])/m, "$1$2");
    expect(turnedOn).not.toBe(shippedPolicy());
    expect(await tailnet.headscale.setPolicy(turnedOn)).toEqual({ taken: true });
    try {
      await warmUp(ana, devPod);
      const found = await Promise.all(PORTS.map(async (port) => [port, await reach(ana, devPod.ip, port)] as const));
      const isOpened = (port: number) => port === 8188 || port === 8888;
      expect(found).toEqual(PORTS.map((port) => [port, isOpened(port) ? "open" : "dropped"]));
      for (const port of CLOSED_POD_PORTS) {
        expect([port, await reach(ana, pod.ip, port)]).toEqual([port, "no peer"]);
        expect([port, await reach(edge, devPod.ip, port)]).toEqual([port, "dropped"]);
      }
    } finally {
      expect(await tailnet.headscale.setPolicy(shippedPolicy())).toEqual({ taken: true });
    }
  });
});

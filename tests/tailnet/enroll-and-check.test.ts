/** From `pods.enroll` to `pods.remove` with a real headscale, and what `tailnet check` says of the tailnet on the way. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { daemonFiles } from "../../contracts/tailnet/daemon.ts";
import { EDGE_RUNTIMES, until } from "../support/fleet/fleet.ts";
import { quick } from "../support/fleet/workflows.ts";
import { localApiAt, soon } from "../support/tailnet/daemon.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { shippedPolicy } from "../support/tailnet/headscale.ts";
import { openConnections } from "../support/tailnet/open-connections.ts";
import { startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { EDGE_GRANT, policyOf } from "../support/tailnet/policies.ts";
import { reach } from "../support/tailnet/reach.ts";
import { standing } from "../support/tailnet/standing.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

/** The one that pods must not reach. */
const EDGE_PORT = 8080;

/** Every file below the folder, and the command line and environment of every process. */
function whereIs(secret: string, folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const proc = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const paths = [
    ...files.map(({ parentPath, name }) => join(parentPath, name)),
    ...proc.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]),
  ];
  return paths.filter((path) => {
    try {
      return readFileSync(path).includes(secret);
    } catch {
      return false; // gone meanwhile, or not ours
    }
  });
}

const isNoSocket = (path: string): boolean => !statSync(path).isSocket();

describe.each(EDGE_RUNTIMES)("pods that are enrolled by an edge on %s", (runtime) => {
  let tailnet: TestTailnet;
  let edge: TailnetEdge;
  let pod: TailnetPod | null = null;
  beforeAll(async () => {
    tailnet = await startTailnet();
    const { url, apiKey } = tailnet.headscale;
    const env = { HEADSCALE_URL: url, HEADSCALE_API_KEY: apiKey };
    edge = await startEdge(tailnet, { runtime, env, port: EDGE_PORT });
    await edge.edge.waitReady();
  });
  afterAll(async () => {
    await pod?.[Symbol.asyncDispose]();
    await edge?.[Symbol.asyncDispose]();
    await tailnet?.[Symbol.asyncDispose]();
  });
  const check = async () => (await edge.client.trpc.tailnet.check.mutate()).checks;

  it("joins as the pod that was enrolled, with a key that nobody keeps", async () => {
    const { pods: [enrolled], controlUrl, tag } = await edge.client.trpc.pods.enroll.mutate({});
    if (!enrolled) expect.unreachable("nothing was enrolled");
    expect({ controlUrl, tag }).toEqual({ controlUrl: tailnet.headscale.url, tag: "tag:pod" });
    expect(await edge.pods()).toMatchObject([{ id: enrolled.podId, phase: "joining" }]);
    pod = await startPod(tailnet, { name: enrolled.name, key: enrolled.key });
    const ready = await edge.podIn("ready", enrolled.name);
    expect(ready.id).toBe(enrolled.podId);
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: enrolled.podId });
    // In the file that the operator wrote, and in nothing that edge, agent, tailscaled or headscale keep or show.
    expect(whereIs(enrolled.key, tailnet.dir)).toEqual([join(pod.dir, "key")]);
  });

  it("is checked from both sides: nothing is open that should be closed", async () => {
    const checks = await check();
    const bad = checks.filter(({ status }) => status === "failed" || status === "warning");
    expect(bad).toEqual([]);
    const names = checks.filter(({ status }) => status === "ok").map(({ name }) => name);
    const closed = [`pod ${pod?.name} port 8188`, `pod ${pod?.name} port 8888`];
    const own = ["other pods", "edge edge port 8080", "edge edge port 8189"].map((name) => `pod ${pod?.name}: ${name}`);
    expect(names).toEqual(expect.arrayContaining([...closed, ...own]));
    const { checks: known } = await edge.client.trpc.tailnet.status.query();
    expect(known.find(({ name }) => name === "policy")).toMatchObject({ status: "ok" });
  });

  it("a policy that opens too much is found out, line by line", async () => {
    await using other = await tailnet.addDaemon("other-pod");
    await tailnet.headscale.setPolicy(policyOf([
      { ...EDGE_GRANT, ports: [8189, 8188, 8888] },
      { src: "tag:pod", dst: "tag:edge", ports: [8080] },
      { src: "tag:pod", ports: [8189] },
    ]));
    const wrong = await until("the check to find everything", async () => {
      const failed = (await check()).filter(({ status }) => status === "failed").map(({ name }) => name);
      return failed.filter((line) => line.startsWith(`pod ${pod?.name}`)).length >= 4 ? failed : null;
    }, 40_000);
    const name = `pod ${pod?.name}`;
    expect(wrong).toEqual(expect.arrayContaining([
      `${name} port 8188`,
      `${name} port 8888`,
      `${name}: other pods`,
      `${name}: edge edge port 8080`,
    ]));
    const { checks } = await edge.client.trpc.tailnet.status.query();
    expect(checks.find((one) => one.name === "policy")).toMatchObject({ status: "warning" });
    expect(await tailnet.headscale.setPolicy(shippedPolicy())).toEqual({ taken: true });
    await other.api.logout(AbortSignal.timeout(5_000));
    await edge.podGone("other-pod");
  }, 90_000);

  it("a development pod is shown and given no job", async () => {
    const { pods: [enrolled], tag } = await edge.client.trpc.pods.enroll.mutate({ dev: true });
    expect(tag).toBe("tag:dev-pod");
    await pod?.agent.terminate();
    await using dev = await startPod(tailnet, { name: enrolled?.name ?? "", key: enrolled?.key ?? "" });
    const ready = await edge.podIn("ready", dev.name);
    expect(ready).toMatchObject({ id: enrolled?.podId, dev: true });
    const job = edge.client.run(quick());
    const waiting = await until("the job to say why it waits", async () => (await job.get()).waiting);
    expect(waiting.message).not.toBe("");
    expect((await job.get()).state).toBe("queued");
    await job.cancel();
  });

  it("a pod that is removed is off the tailnet at once; a key that nobody used is worth nothing", async () => {
    const { pods: [used, unused] } = await edge.client.trpc.pods.enroll.mutate({ count: 2 });
    if (!used || !unused) expect.unreachable("two were enrolled");
    await using one = await startPod(tailnet, { name: used.name, key: used.key });
    await edge.podIn("ready", used.name);
    const removed = await edge.client.trpc.pods.remove.mutate({ podId: used.podId });
    expect(removed).toMatchObject({ podId: used.podId, device: "deleted" });
    await edge.podGone(used.name);
    expect((await tailnet.headscale.nodes()).map(({ name }) => name)).not.toContain(used.name);
    await one.agent.terminate();

    expect(await edge.client.trpc.pods.remove.mutate({ podId: unused.podId })).toMatchObject({ key: "revoked" });
    await using thief = await startPod(tailnet, { name: "thief", key: "none", started: false });
    writeFileSync(join(thief.dir, "key"), unused.key, { mode: 0o600 });
    thief.agent.start();
    await until("the key to be refused", async () => {
      const answer = await thief.health("/readyz").catch(() => null);
      return answer?.body.includes("key_") || null;
    });
    expect((await tailnet.headscale.nodes()).map(({ name }) => name)).toEqual(["edge"]);
  }, 60_000);

  it("a copy of a removed pod's state is worth nothing: no member, no way to anybody, no call", async () => {
    const { pods: [enrolled] } = await edge.client.trpc.pods.enroll.mutate({});
    if (!enrolled) expect.unreachable("nothing was enrolled");
    await pod?.agent.terminate();
    await using original = await startPod(tailnet, { name: enrolled.name, key: enrolled.key });
    await edge.podIn("ready", enrolled.name);
    const { Peer } = await edge.daemon.api.status({ peers: true }, soon());
    const { TailscaleIPs: [ip = ""] } = Peer.find(({ HostName }) => HostName === enrolled.name) ??
      expect.unreachable("the edge does not see the pod");
    // With the key that made it a member, and under its name.
    const env = { TS_HOSTNAME: enrolled.name };
    await using copy = await startPod(tailnet, { name: "copy", key: enrolled.key, started: false, env });
    cpSync(join(original.dir, "agent"), join(copy.dir, "agent"), { recursive: true, filter: isNoSocket });
    await edge.client.trpc.pods.remove.mutate({ podId: enrolled.podId });
    await edge.podGone(enrolled.name);
    // Without the goodbye that would make the daemon forget who it was; its ports are the copy's from now on.
    await original.killAll();

    copy.agent.start();
    const { message } = await standing(copy, "key_used", 40_000);
    expect(message).toContain("used");
    expect((await tailnet.headscale.nodes()).map(({ name }) => name)).toEqual(["edge"]);
    expect((await edge.pods()).map(({ name }) => name)).not.toContain(enrolled.name);
    expect(await reach(edge.daemon, ip, 8189)).toBe("no peer");
    const thief = localApiAt(daemonFiles(join(copy.dir, "agent", "tailnet")).socket);
    await expect(thief.dial({ host: edge.daemon.ip, port: EDGE_PORT }, soon())).rejects.toThrow();
    expect(openConnections(8189)).toEqual(new Set());
  }, 90_000);
});

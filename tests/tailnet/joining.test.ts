/**
 * Pods that join: under which name, and how soon they are called. Pods that cannot yet: what their agents say to whoever
 * started them, and that they join by themselves.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pod } from "../../contracts/pod.ts";
import { until } from "../support/fleet/until.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { quick } from "../support/fleet/workflows.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { standing } from "../support/tailnet/standing.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";
import { startTlsFront, TRUSTED } from "../support/tailnet/tls-front.ts";

let tailnet: TestTailnet;
let edge: TailnetEdge;
beforeAll(async () => {
  tailnet = await startTailnet();
  edge = await startEdge(tailnet, { runtime: "deno" });
  await edge.edge.waitReady();
});
afterAll(async () => {
  await edge?.[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

const names = async () => (await tailnet.headscale.nodes()).map(({ name }) => name).toSorted();

/** Between a node on the edge's list and the first answer of its agent. A first packet that is lost costs 5 s by itself. */
const CALLED_WITHIN_MS = 4_000;

/** The pod, when its agent first answers, and how long that took from when the edge knew of it. */
async function firstCall(isIt: (pod: Pod) => boolean): Promise<{ pod: Pod; tookMs: number }> {
  const find = async () => (await edge.pods()).find(isIt) ?? null;
  await until("the edge to see the node", find);
  const seenMs = performance.now();
  const pod = await until("the agent to answer", async () => {
    const found = await find();
    const reachable = found?.conditions.find(({ type }) => type === "Reachable");
    return reachable?.status === "true" ? found : null;
  });
  return { pod, tookMs: performance.now() - seenMs };
}

describe("a pod that nobody has named", () => {
  it("is called as its boot id, and then as the pod that it was; each time it is called at once", async () => {
    await using pod = await startPod(tailnet, { name: "nameless", env: { TS_HOSTNAME: "" } });
    const first = await firstCall(() => true);
    const { bootId } = await edge.client.pod(first.pod.id).pod.describe.query();
    expect(first.pod.name).toBe(`pod-${bootId.slice("boot_".length, "boot_".length + 16)}`);
    expect(await names()).toEqual(["edge", first.pod.name].toSorted());
    expect(await pod.agent.terminate()).toMatchObject({ code: 0 });
    await edge.podGone(first.pod.name);

    writeFileSync(join(pod.dir, "key"), await tailnet.headscale.mint(), { mode: 0o600 });
    pod.agent.start();
    const again = await firstCall(() => true);
    expect(again.pod.name).toBe(first.pod.id.replace("_", "-"));
    expect(await names()).toEqual(["edge", again.pod.name].toSorted());
    // The name is that of a pod which is no more, and makes nobody the same.
    expect(again.pod.id).not.toBe(first.pod.id);
    await edge.podIn("ready", again.pod.name);
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: again.pod.id });
    console.log(`on the edge's list → answers after ${Math.round(first.tookMs)} and ${Math.round(again.tookMs)} ms`);
    expect(Math.max(first.tookMs, again.tookMs)).toBeLessThan(CALLED_WITHIN_MS);
    await pod.agent.terminate();
    await edge.podGone(again.pod.name);
  });
});

describe("a pod that starts", () => {
  it("while the control server is down says so, and joins with the same key as soon as that is up", async () => {
    const key = await tailnet.headscale.mint();
    await tailnet.headscale.process.kill();
    await using pod = await startPod(tailnet, { name: "early", key });
    const { message, fix, status } = await standing(pod, "control_down");
    expect(status).toBe(503);
    expect(message).toMatch(/^Cannot reach the control server: .*connection refused/);
    expect(fix).toContain("TS_CONTROL_URL");
    expect(`${message} ${pod.agent.log()}`).not.toContain(key);
    await tailnet.headscale.restart();
    const upMs = performance.now();
    const { id } = await edge.podIn("ready", "early", 40_000);
    console.log(`control server up → pod ready after ${Math.round(performance.now() - upMs)} ms`);
    expect(await standing(pod, "running")).toMatchObject({ status: 200, fix: null });
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", podId: id });
    await pod.agent.terminate();
    await edge.podGone("early");
  }, 90_000);

  it("with a clock that is behind is told so, and joins with the same key once it is right", async () => {
    await using front = await startTlsFront(tailnet.headscale.url, "too new");
    await using pod = await startPod(tailnet, {
      ...{ name: "dated", key: await tailnet.headscale.mint() },
      env: { TS_CONTROL_URL: front.url, ...TRUSTED },
    });
    const { message, fix, status } = await standing(pod, "clock_skew");
    expect(status).toBe(503);
    expect(message).toMatch(/^Cannot join: the clocks differ, or the certificate is bad: .*is before 2090/);
    expect(fix).toContain("NTP");
    expect(await names()).toEqual(["edge"]);
    // The test cannot move the pod's clock. To the pod it is the same when the certificate's time has come.
    front.show("valid");
    await edge.podIn("ready", "dated", 40_000);
    expect(await standing(pod, "running")).toMatchObject({ status: 200, fix: null });
  }, 90_000);
});

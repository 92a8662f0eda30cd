/** Keys and names: a key joins once, a name is no identity, and who leaves is gone at once. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reached } from "../support/fleet/events.ts";
import { until } from "../support/fleet/fleet.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { startPod } from "../support/tailnet/pod.ts";
import { standing } from "../support/tailnet/standing.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

let tailnet: TestTailnet;
let edge: TailnetEdge;
beforeAll(async () => {
  tailnet = await startTailnet();
  edge = await startEdge(tailnet, { runtime: "node" });
  await edge.edge.waitReady();
});
afterAll(async () => {
  await edge?.[Symbol.asyncDispose]();
  await tailnet?.[Symbol.asyncDispose]();
});

const names = async () => (await tailnet.headscale.nodes()).map(({ name }) => name).toSorted();

describe("a key", () => {
  it("that was used already lets nobody in; the agent says so, and takes another one from the same file", async () => {
    const key = await tailnet.headscale.mint();
    await using thief = await startPod(tailnet, { name: "thief", key: await usedKey() });
    const { message, fix, status } = await standing(thief, "key_used");
    expect([message, fix, status]).toEqual([expect.stringContaining("used"), expect.stringContaining("enroll"), 503]);
    expect(await names()).toEqual(["edge"]);
    writeFileSync(join(thief.dir, "key"), key, { mode: 0o600 });
    await edge.podIn("ready", "thief");
  });

  it("that has expired lets nobody in", async () => {
    const key = await tailnet.headscale.mint({ expiresInMs: 1_000 });
    await sleep(1_500);
    await using late = await startPod(tailnet, { name: "late", key });
    const { message, fix, status } = await standing(late, "key_expired");
    expect([message, status]).toEqual([expect.stringMatching(/^Cannot join: the key has expired \(.*expired/), 503]);
    expect(fix).toMatch(/within the key's time.*enroll/);
    expect(late.agent.log()).not.toContain(key);
    expect(await names()).toEqual(["edge"]);
  });

  it("that is not there is asked for", async () => {
    await using keyless = await startPod(tailnet, { name: "keyless", started: false });
    rmSync(join(keyless.dir, "key"));
    keyless.agent.start();
    const { fix } = await standing(keyless, "needs_key");
    expect(fix).toContain("enroll");
  });
});

/** One with which somebody has joined. */
async function usedKey(): Promise<string> {
  const key = await tailnet.headscale.mint();
  await using user = await startPod(tailnet, { name: "user", key });
  await edge.podIn("ready", user.name);
  await user.agent.terminate();
  await edge.podGone(user.name);
  return key;
}

describe("a name", () => {
  it("that two nodes have makes two pods, and each is told from the other by its node", async () => {
    await using pod = await startPod(tailnet, { name: "same" });
    const before = await edge.podIn("ready", "same");
    const twin = await tailnet.addDaemon("same", { dir: tailnet.makeFolder("twin") });
    const both = await until("two pods of that name", async () => {
      const found = (await edge.pods()).filter(({ name }) => name === "same");
      return found.length === 2 ? found : null;
    });
    expect(new Set(both.map(({ id }) => id)).size).toBe(2);
    expect((await tailnet.headscale.nodes()).map(({ givenName }) => givenName)).toContain("same-1");
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
    await twin.api.logout(AbortSignal.timeout(5_000));
    const left = await until("the twin to be gone", async () => {
      const found = (await edge.pods()).filter(({ name }) => name === "same");
      return found.length === 1 ? found[0] : null;
    });
    expect(left).toMatchObject({ id: before.id, phase: "ready" });
    await pod.agent.terminate();
  });
});

describe("a pod that is stopped", () => {
  it("lets its run end and the outputs be fetched before it goes", async () => {
    await using pod = await startPod(tailnet, { name: "drained", standInArgs: ["--step-ms", "50"] });
    await edge.podIn("ready", "drained");
    const handle = edge.client.run(slow(40));
    await reached(handle, 0.1);
    expect(await pod.agent.terminate()).toMatchObject({ code: 0 });
    expect((await handle).job).toMatchObject({ state: "succeeded", attempt: 1, losses: 0 });
    await edge.podGone("drained", 5_000);
  });

  it("is logged out, off the tailnet and gone from the edge at once; it joins again with a new key", async () => {
    await using pod = await startPod(tailnet, { name: "short" });
    const before = await edge.podIn("ready", "short");
    const stoppedMs = performance.now();
    expect(await pod.agent.terminate()).toMatchObject({ code: 0 });
    await edge.podGone("short", 5_000);
    console.log(`SIGTERM → gone from the edge after ${Math.round(performance.now() - stoppedMs)} ms`);
    expect(await names()).toEqual(["edge"]);
    expect(pod.daemonPids()).toEqual([]);
    writeFileSync(join(pod.dir, "key"), await tailnet.headscale.mint(), { mode: 0o600 });
    pod.agent.start();
    const after = await edge.podIn("ready", "short");
    expect(after.id).not.toBe(before.id);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
  });
});

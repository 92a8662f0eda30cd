/** Pods on machines of their own: the same port on each, and cables that are pulled. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobEvent } from "../../client/mod.ts";
import { collect, reached } from "../support/fleet/events.ts";
import { until } from "../support/fleet/until.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { soon } from "../support/tailnet/daemon.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { type Hub, type Machine, startHub, whyNoMachines } from "../support/tailnet/places.ts";
import { startPod, type TailnetPod } from "../support/tailnet/pod.ts";
import { startTailnet, type TestTailnet } from "../support/tailnet/tailnet.ts";

const whyNot = whyNoMachines();
if (whyNot !== null) console.log(`Skipped: pods on machines of their own: ${whyNot}`);

/** The edge's own defaults. */
const REAL_TIMINGS = { POD_BEAT_MS: "5000", POD_UNREACHABLE_MS: "30000", POD_LOST_MS: "60000" };
/** After the link is up again; TCP alone would be silent for a minute and more. */
const RESUMED_WITHIN_MS = 15_000;

describe.skipIf(whyNot !== null)("two pods, each on a machine of its own", () => {
  let hub: Hub;
  let tailnet: TestTailnet;
  let edge: TailnetEdge;
  let stack: AsyncDisposableStack;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    hub = stack.use(startHub());
    tailnet = stack.use(await startTailnet({ host: hub.address }));
    edge = stack.use(await startEdge(tailnet, { runtime: "deno", env: REAL_TIMINGS }));
    await edge.edge.waitReady();
  });
  afterEach(() => stack.disposeAsync());

  async function addPod(name: string, stepMs: number): Promise<{ pod: TailnetPod; machine: Machine }> {
    const machine = await hub.addMachine();
    const standInArgs = ["--step-ms", String(stepMs)];
    const pod = stack.use(await startPod(tailnet, { name, place: machine, standInArgs }));
    await edge.podIn("ready", name, 30_000);
    return { pod, machine };
  }

  async function podOf(name: string) {
    const pod = (await edge.pods()).find((one) => one.name === name);
    return pod ?? expect.unreachable(`no pod ${name}`);
  }

  it("both on 127.0.0.1:8189: each runs jobs of its own, and neither sees the other", async () => {
    await addPod("east", 20);
    await addPod("west", 20);
    const jobs = [edge.client.run(slow(50)), edge.client.run(slow(50))];
    const running = await until("both jobs to run", async () => {
      const seen = await Promise.all(jobs.map((job) => job.get()));
      return seen.every(({ state }) => state === "running") ? seen : null;
    });
    expect(new Set(running.map(({ podId }) => podId)).size).toBe(2);
    for (const job of jobs) expect((await job).job).toMatchObject({ state: "succeeded", losses: 0 });
    const { Peer } = await edge.daemon.api.status({ peers: true }, soon());
    expect(new Set(Peer.map(({ HostName }) => HostName))).toEqual(new Set(["east", "west"]));
    for (const name of ["east", "west"]) {
      const { checks } = await edge.client.pod((await podOf(name)).id).tailnet.selfCheck.query();
      expect(checks.find((one) => one.name === "other pods")).toMatchObject({ status: "ok" });
    }
  });

  it("cut off for 20 s during a job: it goes on, and its watcher hears of it soon after", async () => {
    const { machine } = await addPod("east", 500);
    const job = edge.client.run(slow(90));
    const watched: { event: JobEvent; atMs: number }[] = [];
    const events = (async () => {
      const all: JobEvent[] = [];
      for await (const event of job) {
        watched.push({ event, atMs: performance.now() });
        all.push(event);
      }
      return all;
    })();
    await reached(job.watch(), 0.05);
    machine.cut();
    await sleep(20_000);
    machine.mend();
    const mendedMs = performance.now();
    const heard = await until(
      "progress after the cut",
      () => watched.find(({ event, atMs }) => event.type === "progress" && atMs > mendedMs) ?? null,
      60_000,
    );
    console.log(`cut for 20 s → progress ${Math.round(heard.atMs - mendedMs)} ms after the link was up`);
    expect(heard.atMs - mendedMs).toBeLessThan(RESUMED_WITHIN_MS);
    const { result } = await expectSucceededOnce(edge.store, job, [events]);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  }, 180_000);

  it("cut off for 90 s during a job: it runs again elsewhere, and what goes on there is fenced off", async () => {
    const { machine } = await addPod("east", 1_000);
    const east = await podOf("east");
    const job = edge.client.run(slow(200));
    const watched = [collect(job)];
    await reached(job.watch(), 0.01);
    await addPod("west", 20);
    machine.cut();
    const cutMs = performance.now();
    await until("the job to be queued again", async () => (await job.get()).losses === 1 || null, 90_000);
    console.log(`cut off → queued again after ${Math.round((performance.now() - cutMs) / 1_000)} s`);
    expect((await job).job).toMatchObject({ state: "succeeded", attempt: 2, losses: 1 });
    await sleep(Math.max(0, cutMs + 90_000 - performance.now()));
    machine.mend();
    const mendedMs = performance.now();
    await edge.podIn("ready", "east", 60_000);
    const idle = await until("the first attempt to be ended", async () => {
      const { attempts } = await edge.client.pod(east.id).comfy.status.query();
      return attempts.length === 0 || null;
    }, 60_000);
    expect(idle).toBe(true);
    console.log(`link up → pod back and its attempt ended after ${Math.round(performance.now() - mendedMs)} ms`);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
    const { result } = await expectSucceededOnce(edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
  }, 300_000);
});

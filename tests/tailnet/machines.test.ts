/**
 * Pods on machines of their own: the same port on each, and cables that are pulled. Each case has a tailnet, an edge and
 * machines to itself, so that all of them wait at the same time: the file takes as long as its longest cut.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobEvent, JobHandle } from "../../client/mod.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import { AGENT_PORT } from "../../contracts/tailnet/words.ts";
import { collect, reached } from "../support/fleet/events.ts";
import { until } from "../support/fleet/until.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import { connectFrom } from "../support/tailnet/connect-from.ts";
import { soon } from "../support/tailnet/daemon.ts";
import { startEdge, type TailnetEdge } from "../support/tailnet/edge.ts";
import { type Hub, type Machine, startHub, whyNoMachines } from "../support/tailnet/places.ts";
import { promptsOf } from "../support/tailnet/prompts.ts";
import { POD_PORTS, startPod } from "../support/tailnet/pod.ts";
import { startTailnet } from "../support/tailnet/tailnet.ts";

const whyNot = whyNoMachines();
if (whyNot !== null) console.log(`Skipped: pods on machines of their own: ${whyNot}`);

/** The edge's own defaults. */
const REAL_TIMINGS = { POD_BEAT_MS: "5000", POD_UNREACHABLE_MS: "30000", POD_LOST_MS: "60000" };
/**
 * From the link's return to the first word over it: a pause of at most 5 s, and an open that began before and may take
 * 7 s. TCP alone was silent for 85 s after a cut of 120 s.
 */
const RESUMED_WITHIN_MS = 15_000;
const MACHINES = 7;

interface Site extends AsyncDisposable {
  edge: TailnetEdge;
  /** On the next free machine. Resolves once it is ready. */
  addPod(name: string, stepMs: number): Promise<Machine>;
  podId(name: string): Promise<string>;
}

interface Heard {
  event: JobEvent;
  /** Of `performance.now()`. */
  atMs: number;
}

describe.skipIf(whyNot !== null).concurrent("pods, each on a machine of its own", () => {
  let hub: Hub;
  const machines: Machine[] = [];

  beforeAll(async () => {
    hub = startHub();
    for (let left = MACHINES; left > 0; left -= 1) machines.push(await hub.addMachine());
  });
  afterAll(() => hub[Symbol.dispose]());

  async function startSite(env: Readonly<Record<string, string>> = {}): Promise<Site> {
    await using starting = new AsyncDisposableStack();
    const tailnet = starting.use(await startTailnet({ host: hub.address }));
    const edge = starting.use(await startEdge(tailnet, { runtime: "deno", env: { ...REAL_TIMINGS, ...env } }));
    await edge.edge.waitReady();
    const stack = starting.move();
    return {
      edge,
      async addPod(name, stepMs) {
        const machine = machines.pop() ?? expect.unreachable("more pods than machines");
        stack.use(await startPod(tailnet, { name, place: machine, standInArgs: ["--step-ms", String(stepMs)] }));
        await edge.podIn("ready", name, 60_000);
        return machine;
      },
      async podId(name) {
        return (await edge.pods()).find((pod) => pod.name === name)?.id ?? expect.unreachable(`no pod ${name}`);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  /** What a watcher hears, and when. */
  function listen(job: JobHandle): { heard: Heard[]; events: Promise<JobEvent[]> } {
    const heard: Heard[] = [];
    const events = (async () => {
      for await (const event of job) heard.push({ event, atMs: performance.now() });
      return heard.map(({ event }) => event);
    })();
    return { heard, events };
  }

  /** Ms from `sinceMs` to the first progress after it, which comes before the job's end. */
  async function progressAfter(heard: Heard[], sinceMs: number): Promise<number> {
    const next = await until(
      "a word after the cut",
      () =>
        heard.find(({ event, atMs }) =>
          atMs > sinceMs && (event.type === "progress" || (event.type === "status" && isTerminal(event.state)))
        ) ?? null,
      100_000,
    );
    expect(next.event.type).toBe("progress");
    return next.atMs - sinceMs;
  }

  async function cutFor(machine: Machine, ms: number): Promise<number> {
    machine.cut();
    await sleep(ms);
    machine.mend();
    return performance.now();
  }

  it("both on 127.0.0.1:8189: each runs jobs of its own, and neither sees the other", async () => {
    await using site = await startSite();
    const { edge } = site;
    const [east, west] = [await site.addPod("east", 20), await site.addPod("west", 20)];
    for (const port of [AGENT_PORT, POD_PORTS.comfy]) {
      expect([port, await connectFrom(east, { host: "127.0.0.1", port })]).toEqual([port, "open"]);
      // Over the network that the machines share without a tailnet nothing of a pod is to be had.
      expect([port, await connectFrom(west, { host: east.address, port })]).toEqual([port, "ECONNREFUSED"]);
    }
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
      const { checks } = await edge.client.pod(await site.podId(name)).tailnet.selfCheck.query();
      expect(checks.find((one) => one.name === "other pods")).toMatchObject({ status: "ok" });
    }
  }, 120_000);

  it.each([
    { cutS: 20, stepMs: 500, steps: 90, lostMs: REAL_TIMINGS.POD_LOST_MS },
    // With more patience than a fleet has by itself, so that the attempt outlives a cut this long.
    { cutS: 120, stepMs: 1_000, steps: 140, lostMs: "240000" },
  ])("cut off for $cutS s during a job: it goes on, and its watcher hears of it soon after", async (cut) => {
    await using site = await startSite({ POD_LOST_MS: cut.lostMs });
    const { edge } = site;
    const machine = await site.addPod("east", cut.stepMs);
    const podId = await site.podId("east");
    const job = edge.client.run(slow(cut.steps));
    const { heard, events } = listen(job);
    await reached(job.watch(), 0.01);
    const mendedMs = await cutFor(machine, cut.cutS * 1_000);
    const silent = heard.filter(({ event, atMs }) => event.type === "progress" && atMs > mendedMs - 10_000);
    expect(silent).toEqual([]);
    const called = until("the agent to answer a call", async () => {
      const options = { signal: AbortSignal.timeout(6_000) };
      const answer = await edge.client.pod(podId).pod.describe.query(undefined, options).catch(() => null);
      return answer && performance.now() - mendedMs;
    }, 100_000);
    const resumedMs = await progressAfter(heard, mendedMs);
    const calledMs = await called;
    console.log(
      `cut for ${cut.cutS} s → progress ${Math.round(resumedMs)} ms after the link was up, ` +
        `a call answered after ${Math.round(calledMs)} ms`,
    );
    expect(resumedMs).toBeLessThan(RESUMED_WITHIN_MS);
    expect(calledMs).toBeLessThan(RESUMED_WITHIN_MS);
    expect((await job).job).toMatchObject({ state: "succeeded", attempt: 1, losses: 0 });
    expect((await edge.client.run(quick())).job).toMatchObject({ state: "succeeded", attempt: 1, podId });
    expect(await promptsOf(machine)).toHaveLength(2);
    const { stored } = await expectSucceededOnce(edge.store, job, [events]);
    expect(stored.attempts).toHaveLength(1);
  }, 300_000);

  it("cut off for 90 s during a job: it runs again elsewhere, and what goes on there is fenced off", async () => {
    await using site = await startSite();
    const { edge } = site;
    const machine = await site.addPod("east", 1_000);
    const east = await site.podId("east");
    const job = edge.client.run(slow(200));
    const watched = [collect(job)];
    await reached(job.watch(), 0.01);
    await site.addPod("west", 20);
    const cutMs = performance.now();
    const mended = cutFor(machine, 90_000);
    await until("the job to be queued again", async () => (await job.get()).losses === 1 || null, 90_000);
    console.log(`cut off → queued again after ${Math.round((performance.now() - cutMs) / 1_000)} s`);
    expect((await job).job).toMatchObject({ state: "succeeded", attempt: 2, losses: 1 });
    const mendedMs = await mended;
    await edge.podIn("ready", "east", 60_000);
    const idle = await until("the first attempt to be ended", async () => {
      const { attempts } = await edge.client.pod(east).comfy.status.query();
      return attempts.length === 0 || null;
    }, 60_000);
    expect(idle).toBe(true);
    const endedMs = performance.now() - mendedMs;
    console.log(`link up → pod back and its attempt ended after ${Math.round(endedMs)} ms`);
    expect(endedMs).toBeLessThan(RESUMED_WITHIN_MS);
    expect((await edge.client.run(quick())).job.state).toBe("succeeded");
    const { result } = await expectSucceededOnce(edge.store, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
  }, 300_000);

  it("cut off for 120 s while its job ends: queued again, and then it takes the result that is there", async () => {
    await using site = await startSite();
    const { edge } = site;
    const machine = await site.addPod("east", 500);
    const podId = await site.podId("east");
    const job = edge.client.run(slow(170));
    const { events } = listen(job);
    await reached(job.watch(), 0.01);
    const mended = cutFor(machine, 120_000);
    await until("the job to be queued again", async () => (await job.get()).losses === 1 || null, 90_000);
    expect((await job.get()).state).toBe("queued");
    const next = edge.client.run(quick());
    const mendedMs = await mended;
    expect((await job).job).toMatchObject({ state: "succeeded", losses: 1, podId });
    const landedMs = performance.now() - mendedMs;
    expect((await next).job).toMatchObject({ state: "succeeded", attempt: 1, podId });
    const nextMs = performance.now() - mendedMs;
    console.log(
      `cut for 120 s → its result is home ${Math.round(landedMs)} ms after the link was up, ` +
        `the next job's after ${Math.round(nextMs)} ms`,
    );
    expect(landedMs).toBeLessThan(RESUMED_WITHIN_MS);
    expect(nextMs).toBeLessThan(RESUMED_WITHIN_MS);
    const { stored } = await expectSucceededOnce(edge.store, job, [events]);
    // The pod that is back is not given the job once more while its result comes.
    expect(stored.attempts.map(({ state }) => state)).toEqual(["succeeded"]);
    expect(await promptsOf(machine)).toHaveLength(2);
  }, 300_000);
});

/** A job that waits on a pod behind another's run: it is next there at once, and whatever is killed, both run once. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Job, JobHandle } from "../../client/mod.ts";
import { collect, reached } from "../support/fleet/events.ts";
import { startFleetOfPods } from "../support/fleet/fleet-of-pods.ts";
import { EDGE_RUNTIMES, type EdgeRuntime, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { readStoredJob } from "../support/fleet/store.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

const STEPS = 90;
/** As long as `up` waits before it starts a process again. */
const RESTART_MS = 100;
const ARGS = ["--step-ms", "20"];

const start = (runtime: EdgeRuntime) => startTestFleet({ runtime, standInArgs: ARGS });

function isNext(job: JobHandle, pod = "local"): Promise<Job> {
  return until("the job to be next on the pod", async () => {
    const now = await job.get().catch(() => null);
    return now?.waiting?.message === `It is next on pod '${pod}', which runs another job.` ? now : null;
  });
}

/** A job under way, and one that the same pod has and that waits for its slot. */
async function startTwo(fleet: TestFleet, steps = STEPS) {
  const running = fleet.client.run(slow(steps));
  await reached(running.watch(), 0.05);
  const waiting = fleet.client.run(quick());
  await waiting.submitted;
  const watched = [collect(waiting)];
  const shown = await isNext(waiting);
  expect(shown).toMatchObject({ state: "queued", attempt: 1, startedAt: null });
  return { running, waiting, watched };
}

/** Both succeeded once, in this order, and ComfyUI began each once in its present process. */
async function expectBothOnce(fleet: TestFleet, { running, waiting, watched }: Awaited<ReturnType<typeof startTwo>>) {
  const first = await running.result();
  expect(first.job.state).toBe("succeeded");
  const begun = async () => (await fleet.standIn.state()).worker.started.length;
  const { result, stored } = await expectSucceededOnce(fleet, waiting, watched);
  const firstStored = readStoredJob(fleet.dataDir, first.job.id);
  expect(firstStored.terminalEvents).toMatchObject([{ state: "succeeded" }]);
  return { first: first.job, firstStored, second: result.job, stored, begun: await begun() };
}

describe.each(EDGE_RUNTIMES)("a job behind another's run, with the edge on %s", (runtime) => {
  it("begins as soon as the run is over", async () => {
    await using fleet = await start(runtime);
    const { first, second, stored, begun } = await expectBothOnce(fleet, await startTwo(fleet));
    expect([first, second]).toMatchObject([{ attempt: 1, losses: 0 }, { attempt: 1, losses: 0 }]);
    expect(stored.events.map(({ state }) => state)).toEqual(["queued", "running", "succeeded"]);
    expect(begun).toBe(2);
  });

  it("runs though the run before it fails", async () => {
    await using fleet = await start(runtime);
    await fleet.standIn.arm("oom", "node:4");
    const { running, waiting, watched } = await startTwo(fleet);
    await expect(running.result()).rejects.toMatchObject({ code: "out_of_memory" });
    await expectSucceededOnce(fleet, waiting, watched);
  });

  it("is canceled without ComfyUI ever having it, and the next one takes its place", async () => {
    await using fleet = await start(runtime);
    const { running, waiting } = await startTwo(fleet);
    expect(await waiting.cancel()).toMatchObject({ state: "canceled", attempt: 1 });
    const next = fleet.client.run(quick());
    await isNext(next);
    expect((await running.result()).job.state).toBe("succeeded");
    expect((await next.result()).job).toMatchObject({ state: "succeeded", attempt: 1 });
    expect((await fleet.standIn.state()).worker.started).toHaveLength(2);
  });

  it("runs after a kill -9 of the edge, which knows of it again", async () => {
    await using fleet = await start(runtime);
    // Long enough for an edge to start meanwhile.
    const two = await startTwo(fleet, 300);
    await fleet.edge.kill();
    await sleep(RESTART_MS);
    fleet.edge.start();
    await isNext(two.waiting);
    const { first, second, begun } = await expectBothOnce(fleet, two);
    expect([first, second]).toMatchObject([{ attempt: 1, losses: 0 }, { attempt: 1, losses: 0 }]);
    expect(begun).toBe(2);
  });

  it("runs while no edge is there", async () => {
    await using fleet = await start(runtime);
    const two = await startTwo(fleet);
    await fleet.edge.kill();
    await until("ComfyUI to finish both", async () => {
      const { worker, running, pending } = await fleet.standIn.state();
      return worker.started.length === 2 && running.length + pending.length === 0 ? true : null;
    });
    fleet.edge.start();
    const { first, second } = await expectBothOnce(fleet, two);
    expect([first, second]).toMatchObject([{ attempt: 1, losses: 0 }, { attempt: 1, losses: 0 }]);
  });

  it("runs after a kill -9 of the agent", async () => {
    await using fleet = await start(runtime);
    const two = await startTwo(fleet);
    await fleet.agent.kill();
    await sleep(RESTART_MS);
    fleet.agent.start();
    const { first, second, begun } = await expectBothOnce(fleet, two);
    expect([first, second]).toMatchObject([{ attempt: 1, losses: 0 }, { attempt: 1, losses: 0 }]);
    expect(begun).toBe(2);
  });

  it("runs in the next ComfyUI after a kill -9 of the one that it waits for", async () => {
    await using fleet = await start(runtime);
    const two = await startTwo(fleet);
    process.kill(fleet.comfyPid(), "SIGKILL");
    const { first, second, firstStored, stored, begun } = await expectBothOnce(fleet, two);
    expect([first.losses, second.losses]).toEqual([1, 0]);
    expect(firstStored.attempts[0]).toMatchObject({ state: "lost", reason: "pod_lost" });
    expect(stored.attempts.map(({ state }) => state)).toEqual(["succeeded"]);
    expect(begun).toBe(2);
  });

  it("comes back from a pod that is drained, and waits for one that takes work", async () => {
    await using fleet = await start(runtime);
    const { running, waiting } = await startTwo(fleet);
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    if (!pod) throw new Error("no pod");
    await fleet.client.trpc.pods.drain.mutate({ podId: pod.id });
    await until("the job to be back", async () => {
      const { waiting: why } = await waiting.get();
      return why?.reason === "pods_cordoned" ? true : null;
    });
    expect((await running.result()).job.state).toBe("succeeded");
    expect((await waiting.get()).state).toBe("queued");
    await fleet.client.trpc.pods.uncordon.mutate({ podId: pod.id });
    expect((await waiting.result()).job).toMatchObject({ state: "succeeded", losses: 0 });
  });

  it("moves to a pod whose slot is free, and its place to a job of a higher band", async () => {
    await using fleet = await startFleetOfPods({ runtime, standInArgs: ARGS });
    // The second outlasts what is put in order behind it, and the first the whole test.
    const long = [fleet.client.run(slow(1_500)), fleet.client.run(slow(200))];
    await Promise.all(long.map((job) => reached(job.watch(), 0.005)));
    const pods = await Promise.all(long.map(async (job) => (await job.get()).podId));
    expect(new Set(pods).size).toBe(2);
    const batch = [1, 2].map(() => fleet.client.run(quick(), {}, { priority: "batch" }));
    for (const job of batch) {
      await until("it to be next", async () => (await job.get()).waiting?.message.startsWith("It is next") || null);
    }
    const urgent = fleet.client.run(quick(), {}, { priority: "interactive" });
    await until(
      "the urgent one to be next",
      async () => (await urgent.get()).waiting?.message.startsWith("It is next") || null,
    );
    // All three end long before the first run does: what waited behind that one has moved.
    for (const job of [urgent, ...batch]) {
      expect((await job.result()).job).toMatchObject({ state: "succeeded", losses: 0 });
    }
    expect((await long[0]?.get())?.state).toBe("running");
    await long[0]?.cancel();
  });
});

/** kill -9 of each process while a job runs: it ends succeeded, once, and nobody who watches it misses or repeats a thing. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { collect, reached } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, type EdgeRuntime, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

const STEPS = 90;
/** As long as `up` waits before it starts a process again. */
const RESTART_MS = 100;

const start = (runtime: EdgeRuntime) => startTestFleet({ runtime, standInArgs: ["--step-ms", "20"] });

/** A job under way, watched by two clients from its start. */
async function startJob(fleet: TestFleet) {
  const job = fleet.client.run(slow(STEPS));
  await job.submitted;
  const watched = [collect(job), collect(job.watch())];
  await reached(job.watch(), 0.2);
  return { job, watched };
}

function comfyIsIdle(fleet: TestFleet): Promise<true> {
  return until("ComfyUI to finish", async () => (await fleet.standIn.state()).running.length === 0 || null);
}

describe.each(EDGE_RUNTIMES)("kill -9 while a job runs, with the edge on %s", (runtime) => {
  it("of the edge: the work goes on, and its clients' streams with it", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    await fleet.edge.kill();
    await sleep(RESTART_MS);
    fleet.edge.start();
    const { result, stored } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
    expect(stored.attempts).toHaveLength(1);
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
  });

  it("of the edge, for longer than the job runs: the next edge brings the result home", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    await fleet.edge.kill();
    await comfyIsIdle(fleet);
    fleet.edge.start();
    const { result } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
  });

  it("of the edge, right after a submit was answered: the job is there", async () => {
    await using fleet = await start(runtime);
    const job = fleet.client.run(quick());
    const { id } = await job.submitted;
    await fleet.edge.kill();
    fleet.edge.start();
    const { result } = await expectSucceededOnce(fleet, job, [collect(job)]);
    expect(result.job.id).toBe(id);
  });

  it("of ComfyUI: the agent starts another, and the job runs again", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    const killed = fleet.comfyPid();
    process.kill(killed, "SIGKILL");
    const { result, stored } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
    expect(stored.attempts.map(({ state }) => state)).toEqual(["lost", "succeeded"]);
    const after = await fleet.standIn.state();
    expect(after.pid).not.toBe(killed);
    expect(after.worker.started).toHaveLength(1);
  });

  it("of the agent: ComfyUI is adopted, and the work is not run again", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    const before = fleet.comfyPid();
    await fleet.agent.kill();
    await sleep(RESTART_MS);
    fleet.agent.start();
    const { result, stored } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
    expect(stored.attempts).toHaveLength(1);
    expect(fleet.comfyPid()).toBe(before);
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
  });

  it("of the agent, until ComfyUI has finished: the next agent finds the result", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    const before = fleet.comfyPid();
    await fleet.agent.kill();
    await comfyIsIdle(fleet);
    fleet.agent.start();
    await expectSucceededOnce(fleet, job, watched);
    expect(fleet.comfyPid()).toBe(before);
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
  });

  it("of edge, agent and ComfyUI at once: the job runs again when they are back", async () => {
    await using fleet = await start(runtime);
    const { job, watched } = await startJob(fleet);
    const comfy = fleet.comfyPid();
    await Promise.all([fleet.edge.kill(), fleet.agent.kill()]);
    process.kill(comfy, "SIGKILL");
    await sleep(RESTART_MS);
    fleet.agent.start();
    fleet.edge.start();
    const { stored } = await expectSucceededOnce(fleet, job, watched);
    expect(stored.attempts.map(({ state }) => state)).toEqual(["lost", "succeeded"]);
  });
});

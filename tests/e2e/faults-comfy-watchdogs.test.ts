/** What the agent's watchdogs do, as a client and an operator of the whole fleet see it. */
import { describe, expect, it } from "vitest";
import { collect, reached } from "../support/fleet/events.ts";
import { startTestFleet, type TestFleet, type TestFleetOptions, until } from "../support/fleet/fleet.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";

const FLEET: TestFleetOptions = {
  runtime: "deno",
  standInArgs: ["--step-ms", "20"],
  env: { COMFYUI_BACKOFF_MS: "50", COMFYUI_STOP_GRACE_MS: "500" },
};

/** Waits until the pod's ComfyReady condition, as the edge shows it, names this restart. */
async function restartShown(fleet: TestFleet, reason: string): Promise<void> {
  await until(`the pod to tell of ${reason}`, async () => {
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    const ready = pod?.conditions.find(({ type }) => type === "ComfyReady");
    return ready?.status === "true" && ready.message.includes(`(${reason}): `) || null;
  });
}

function restarts(fleet: TestFleet): number {
  return fleet.agent.log().split("ComfyUI is started anew").length - 1;
}

describe("ComfyUI's faults that the agent's watchdogs answer", () => {
  it.each(["run", "pending"])("zombie-worker=%s: ComfyUI is started anew and the job runs again", async (how) => {
    await using fleet = await startTestFleet({ ...FLEET });
    await fleet.standIn.arm("zombie-worker", how);
    const job = fleet.client.run(slow(10));
    const watched = [collect(job)];
    await job.result();
    await restartShown(fleet, "WorkerDied");
    expect(restarts(fleet)).toBe(1);
    const { result } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
  });

  it("poisoned-cuda: the attempt is a loss, not the job, which succeeds in the ComfyUI that follows", async () => {
    await using fleet = await startTestFleet({ ...FLEET });
    await fleet.standIn.arm("poisoned-cuda", "node:3");
    const job = fleet.client.run(slow(10));
    const watched = [collect(job)];
    await job.result();
    await restartShown(fleet, "GpuFault");
    expect(restarts(fleet)).toBe(1);
    const { result, stored } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 2, losses: 1 });
    expect(stored.events.map(({ reason }) => reason)).toContain("gpu_fault");
  });

  it("oom: the job fails with out_of_memory at once, ComfyUI stays, and the next job succeeds", async () => {
    await using fleet = await startTestFleet({ ...FLEET });
    const pid = fleet.comfyPid();
    await fleet.standIn.arm("oom", "node:3");
    const job = fleet.client.run(slow(10));
    await expect(job.result()).rejects.toMatchObject({ code: "out_of_memory", hint: expect.any(String) });
    expect(await job.get()).toMatchObject({ state: "failed", attempt: 1, losses: 0 });
    await fleet.standIn.clear();
    expect((await fleet.client.run(quick())).job.state).toBe("succeeded");
    expect([fleet.comfyPid(), restarts(fleet)]).toEqual([pid, 0]);
  });

  it("lost-cancel: the job is canceled all the same, and ComfyUI stays", async () => {
    await using fleet = await startTestFleet({ ...FLEET });
    const pid = fleet.comfyPid();
    await fleet.standIn.arm("lost-cancel", "2");
    const job = fleet.client.run(slow(2_000));
    await reached(job.watch(), 0.001);
    await job.cancel();
    await expect(job.result()).rejects.toMatchObject({ code: "canceled" });
    expect((await fleet.standIn.state()).worker.started).toHaveLength(1);
    expect([fleet.comfyPid(), restarts(fleet)]).toEqual([pid, 0]);
  });

  it.each([
    ["shuffled-events", undefined],
    ["duplicated-events", undefined],
    ["deaf-socket", "node:3"],
    ["slow-validation", "1500ms"],
    ["empty-history", "end:1000ms"],
    ["freeze", "node:3:1500ms"],
  ])("%s=%s: the job succeeds in its first attempt, and ComfyUI stays", async (fault, argument) => {
    await using fleet = await startTestFleet({ ...FLEET });
    await fleet.standIn.arm(fault, argument);
    const job = fleet.client.run(slow(40));
    const watched = [collect(job)];
    await job.result();
    expect([(await fleet.standIn.state()).worker.started.length, restarts(fleet)]).toEqual([1, 0]);
    const { result } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("stuck-delivery: jobs succeed without progress, and ComfyUI is started anew between two of them", async () => {
    await using fleet = await startTestFleet({ ...FLEET });
    const pid = fleet.comfyPid();
    await fleet.standIn.arm("stuck-delivery");
    // Each lasts longer than it takes to find a deaf socket, and to open another.
    for (let jobs = 0; jobs < 3; jobs += 1) {
      expect((await fleet.client.run(slow(150))).job).toMatchObject({ state: "succeeded", losses: 0 });
    }
    await restartShown(fleet, "SocketDeaf");
    expect(restarts(fleet)).toBe(1);
    expect(fleet.comfyPid()).not.toBe(pid);
  });
});

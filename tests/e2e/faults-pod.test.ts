/** A pod that is away for longer than POD_LOST_MS: its job is queued again, and whichever result lands first is the one. */
import { describe, expect, it } from "vitest";
import { collect, reached, statuses } from "../support/fleet/events.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet, until } from "../support/fleet/fleet.ts";
import { expectSucceededOnce } from "../support/fleet/verdict.ts";
import { quick, slow } from "../support/fleet/workflows.ts";
import type { JobHandle } from "../../client/mod.ts";

const ENV = { POD_BEAT_MS: "200", POD_UNREACHABLE_MS: "700", POD_LOST_MS: "1500" };
const STAND_IN = ["--step-ms", "20"];

async function queuedAgain(fleet: TestFleet, job: JobHandle): Promise<void> {
  await until("the pod to be lost", async () => {
    const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
    return pod?.phase === "lost" || null;
  });
  expect(await job.get()).toMatchObject({ state: "queued", losses: 1, attempt: 1, waiting: expect.anything() });
}

describe.each(EDGE_RUNTIMES)("a pod that is away, with the edge on %s", (runtime) => {
  it("agent killed, back after ComfyUI has finished: the job was queued again and ends succeeded, once", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: STAND_IN, env: ENV });
    const job = fleet.client.run(slow(60));
    const watched = [collect(job)];
    await reached(job.watch(), 0.2);
    await fleet.agent.kill();
    await queuedAgain(fleet, job);
    await until("ComfyUI to finish", async () => (await fleet.standIn.state()).running.length === 0 || null);
    fleet.agent.start();
    const { result, stored } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job.losses).toBe(1);
    expect(statuses(await watched[0] ?? []).find(({ state, ver }) => state === "queued" && ver > 2)?.reason)
      .toBe("pod_lost");
    expect(stored.outbox).toHaveLength(1);
  });

  it("agent frozen, not dead: the same, and its work is not left running", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: STAND_IN, env: ENV });
    const job = fleet.client.run(slow(200));
    const watched = [collect(job)];
    await reached(job.watch(), 0.1);
    process.kill(fleet.agent.pid, "SIGSTOP");
    try {
      await queuedAgain(fleet, job);
    } finally {
      process.kill(fleet.agent.pid, "SIGCONT");
    }
    await expectSucceededOnce(fleet, job, watched);
    const { running, pending } = await until("ComfyUI to be idle", async () => {
      const state = await fleet.standIn.state();
      return state.running.length + state.pending.length === 0 ? state : null;
    });
    expect([...running, ...pending]).toEqual([]);
  });
});

describe("a pod that comes back", () => {
  const runtime = "deno";

  it("unreachable is a condition before it is a loss, and a pod that comes back takes work again", async () => {
    await using fleet = await startTestFleet({
      runtime,
      standInArgs: STAND_IN,
      env: { ...ENV, POD_LOST_MS: "60000" },
    });
    await fleet.agent.kill();
    const condition = await until("the pod to be unreachable", async () => {
      const [pod] = (await fleet.client.trpc.pods.list.query({})).items;
      return pod?.conditions.find(({ type, status }) => type === "Reachable" && status === "unknown") ?? null;
    });
    expect(condition.message).not.toBe("");
    const job = fleet.client.run(quick());
    expect((await job.submitted).state).toBe("queued");
    expect((await job.get()).waiting?.reason).toBe("pods_not_ready");
    fleet.agent.start();
    expect((await job).job).toMatchObject({ state: "succeeded", losses: 0 });
  });

  it("an agent with a new state directory is another pod's life: its job runs again", async () => {
    await using fleet = await startTestFleet({ runtime, standInArgs: STAND_IN });
    const job = fleet.client.run(slow(60));
    const watched = [collect(job)];
    await reached(job.watch(), 0.2);
    const comfy = fleet.comfyPid();
    await fleet.agent.kill();
    process.kill(comfy, "SIGKILL");
    fleet.agent.start({ AGENT_STATE_DIR: `${fleet.dataDir}/agent-2` });
    const { result } = await expectSucceededOnce(fleet, job, watched);
    expect(result.job).toMatchObject({ losses: 1, attempt: 2 });
  });
});

import { describe, expect, it } from "vitest";
import { Receipt } from "../../../../contracts/receipt.ts";
import { registerStaticPods } from "../../../../proxy/pods/registry.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "../pods/pod-side.ts";
import { running, succeeded } from "./attempt-steps.ts";

describe("settle() of other ends", () => {
  it("fails the job with the agent's error and a receipt", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const error = { code: "out_of_memory" as const, message: "Cannot run node 4: out of memory", nodeId: "4" };
    await side.settlement.settle(side.podId, reportOf(order, "failed", { error }));
    const job = await side.job(id);
    expect(job).toMatchObject({ state: "failed", error });
    expect(Receipt.parse(job.receipt).attempts).toBe(1);
    await until(() => side.agent.released.includes(order.attemptId));
  });

  it.each(["gpu_fault", "no_progress", "comfy_unavailable"] as const)(
    "queues the job again after %s, up to the bound",
    async (code) => {
      await using side = await setUpPodSide({ attempts: { maxLosses: 2 } });
      const { id } = await running(side);
      const error = { code, message: "Cannot go on: the GPU is broken" };
      for (let losses = 1; losses <= 2; losses += 1) {
        await side.settlement.settle(side.podId, reportOf(side.lastStart(), "failed", { error }));
        expect(await side.job(id)).toMatchObject({ state: "queued", losses, error: null });
        side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
        side.clock.skip(60_000);
        await side.dispatch(id, { ...side.live(), accepting: true });
      }
      await side.settlement.settle(side.podId, reportOf(side.lastStart(), "failed", { error }));
      expect(await side.job(id)).toMatchObject({ state: "failed", losses: 2, error });
      expect((await side.store.listEvents(id, 0)).map(({ state, reason }) => [state, reason])).toEqual([
        ["queued", null],
        ["running", null],
        ["queued", code],
        ["running", null],
        ["queued", code],
        ["running", null],
        ["failed", code],
      ]);
    },
  );

  it.each(["execution_failed", "out_of_memory", "invalid_workflow", "timeout", "internal"] as const)(
    "fails the job at once after %s",
    async (code) => {
      await using side = await setUpPodSide();
      const { id, order } = await running(side);
      const error = { code, message: "Cannot run it" };
      await side.settlement.settle(side.podId, reportOf(order, "failed", { error }));
      expect(await side.job(id)).toMatchObject({ state: "failed", losses: 0, error });
    },
  );

  it("confirms a cancel that was asked for", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    await side.settlement.settle(side.podId, reportOf(order, "canceled"));
    expect(await side.job(id)).toMatchObject({ state: "canceled", losses: 0 });
  });

  it("lets a result win that landed before the cancel did", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    await side.settlement.settle(side.podId, succeeded(order, []));
    expect((await side.job(id)).state).toBe("succeeded");
  });

  it("takes a cancel that nobody asked for as a loss", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.settlement.settle(side.podId, reportOf(order, "canceled"));
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
  });

  it("queues the job again when its ComfyUI is gone", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.settlement.settle(side.podId, reportOf(order, "lost"));
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
    expect((await side.store.listEvents(id, 0)).at(-1)?.reason).toBe("comfy_lost");
  });

  it("does not let a pod speak for another pod's attempt", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const { rows: [other] } = await registerStaticPods(side.store, [{ name: "b", url: "http://b", secret: "b" }]);
    await side.settlement.settle(other?.id ?? side.podId, reportOf(order, "failed", { rev: 99 }));
    expect((await side.job(id)).state).toBe("running");
    await side.settlement.settle(side.podId, succeeded(order, []));
    expect((await side.job(id)).state).toBe("succeeded");
  });
});

describe("lost()", () => {
  it("queues at once the first time and later each time after, up to failing the job", async () => {
    await using side = await setUpPodSide({ attempts: { maxLosses: 3 } });
    await side.start();
    const { id } = await side.submit();
    const pauses: number[] = [];
    for (let no = 1; no <= 4; no += 1) {
      const { runAfterMs } = await side.job(id);
      await side.advance(Math.max(0, Math.ceil(runAfterMs - side.clock.nowMs())) + 1);
      side.agent.slots = [{ index: 0, ready: true, attemptId: null }];
      await side.dispatch(id);
      const before = Math.trunc(side.clock.nowMs());
      await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no, podId: side.podId }, "pod_lost");
      pauses.push((await side.job(id)).runAfterMs - before);
    }
    expect(pauses.slice(0, 3)).toEqual([0, 750, 1_500]);
    expect(await side.job(id)).toMatchObject({ state: "failed", losses: 4, error: { code: "pod_lost" } });
  });

  it("of an attempt that is not the current one changes nothing", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 2, podId: side.podId }, "pod_lost");
    expect((await side.job(id)).state).toBe("running");
    expect((await side.attempt(order.attemptId)).state).toBe("running");
  });

  it("ends a canceling job as canceled", async () => {
    await using side = await setUpPodSide();
    const { id } = await running(side);
    await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 1, podId: side.podId }, "pod_lost");
    expect((await side.job(id)).state).toBe("canceled");
  });
});

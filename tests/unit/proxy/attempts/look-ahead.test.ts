// What becomes of an attempt that is sent behind another's run.
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { readyCondition, reportOf } from "../../../support/agent-reports.ts";
import { type PodSide, setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";

/** A run, and a look-ahead behind it that the agent has. */
async function sentAhead(side: PodSide) {
  const first = await running(side);
  const accept = side.agent.onStart;
  side.agent.onStart = (order) => {
    side.agent.attempts.set(order.attemptId, reportOf(order, "accepted"));
    return { status: "accepted" };
  };
  const { id } = await side.submit();
  expect(await side.dispatch(id, side.live(), first.order.attemptId)).toBe("started");
  side.agent.onStart = accept;
  return { first, id, order: side.lastStart() };
}

const eventsOf = async (side: PodSide, id: Awaited<ReturnType<typeof sentAhead>>["id"]) =>
  (await side.store.listEvents(id, 0)).map(({ state }) => state);

describe("dispatch() behind a run", () => {
  it("names the run, and leaves the job queued until the agent says that it runs", async () => {
    await using side = await setUpPodSide();
    const { first, id, order } = await sentAhead(side);
    expect(order.after).toBe(first.order.attemptId);
    expect(await side.job(id)).toMatchObject({ state: "assigned", podId: side.podId, startedAtMs: null });
    expect((await side.attempt(order.attemptId)).state).toBe("offered");
    await side.settlement.settle(side.podId, reportOf(order, "accepted"));
    expect((await side.job(id)).state).toBe("assigned");
    expect(await side.store.queuePosition(id)).toBe(0);
    await side.settlement.settle(side.podId, reportOf(order, "running"));
    expect((await side.job(id)).state).toBe("running");
    await side.settlement.settle(side.podId, succeeded(order, [output(side, order, { text: "picture" })]));
    expect((await side.job(id)).state).toBe("succeeded");
    expect(await eventsOf(side, id)).toEqual(["queued", "running", "succeeded"]);
  });

  it("tells of a run that is heard of by its end alone as of any other", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    await side.settlement.settle(side.podId, reportOf(order, "collecting"));
    expect((await side.job(id)).state).toBe("assigned");
    await side.settlement.settle(side.podId, succeeded(order, [output(side, order, { text: "picture" })]));
    expect(await side.job(id)).toMatchObject({ state: "succeeded", winner: 1, startedAtMs: expect.any(Number) });
    expect(await eventsOf(side, id)).toEqual(["queued", "running", "succeeded"]);
    expect(await side.attempt(order.attemptId)).toMatchObject({ state: "succeeded", startedAtMs: expect.any(Number) });
  });

  it("shows the pod what it may have next: nobody more while it waits, itself once the run is over", async () => {
    await using side = await setUpPodSide();
    const { first, id, order } = await sentAhead(side);
    expect(side.live()).toMatchObject({
      freeSlots: 0,
      mayFollow: [],
      ahead: [{ attemptId: order.attemptId, jobId: id }],
    });
    side.agent.report(reportOf(first.order, "collecting"));
    await until(() => side.live().ahead.length === 0);
    expect(side.live()).toMatchObject({ freeSlots: 0, mayFollow: [order.attemptId] });
  });

  it("is for no pod whose ComfyUI takes nothing now", async () => {
    await using side = await setUpPodSide();
    const { order } = await running(side);
    side.agent.changed();
    await until(() => side.live().mayFollow.includes(order.attemptId));
    side.agent.conditions = [readyCondition("false")];
    side.agent.changed();
    await until(() => side.live().mayFollow.length === 0);
  });

  it("still knows of it after a beat, and when another edge takes the pod", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    await side.advance(6_000);
    expect(side.live()).toMatchObject({ mayFollow: [], ahead: [{ attemptId: order.attemptId, jobId: id }] });
    expect(await side.job(id)).toMatchObject({ state: "assigned", losses: 0 });
  });

  it("passes a cancel on while it waits, and one that came while it was on its way", async () => {
    await using side = await setUpPodSide();
    const { first, id, order } = await sentAhead(side);
    const canceled = await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    if (canceled.job) side.signals.emit("job", canceled.job);
    await side.advance(500);
    await until(() => side.agent.beats.at(-1)?.cancel.includes(order.attemptId));
    side.agent.report(reportOf(order, "canceled", { startedAt: null }));
    await until(async () => (await side.job(id)).state === "canceled");
    const next = await side.submit();
    side.agent.onStart = (late) => {
      void side.store.cancelJob({ tenantId: side.tenantId, jobId: next.id });
      side.agent.attempts.set(late.attemptId, reportOf(late, "accepted"));
      return { status: "accepted" };
    };
    await side.dispatch(next.id, side.live(), first.order.attemptId);
    expect((await side.job(next.id)).state).toBe("canceling");
    await side.advance(500);
    await until(() => side.agent.beats.at(-1)?.cancel.includes(side.lastStart().attemptId));
  });

  it("gives the job back unharmed when the agent has no place for it", async () => {
    await using side = await setUpPodSide();
    const { order } = await running(side);
    side.agent.onStart = () => {
      throw new FleetError("slot_busy", "Cannot start now");
    };
    const { id } = await side.submit();
    expect(await side.dispatch(id, side.live(), order.attemptId)).toBe("given_back");
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 0 });
    expect(side.live().mayFollow).toEqual([order.attemptId]);
  });

  it("loses it with its pod, and its result is not taken from an agent that has lost it", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    await side.settlement.settle(side.podId, reportOf(order, "lost", { startedAt: null }));
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 1 });
  });
});

describe("recall()", () => {
  it("puts the job into the queue at once, as often as it takes, and counts no loss", async () => {
    await using side = await setUpPodSide();
    const { first, id } = await sentAhead(side);
    for (let times = 1; times <= 3; times += 1) {
      const order = side.lastStart();
      side.agent.onWithdraw = () => reportOf(order, "canceled", { startedAt: null });
      await side.settlement.recall({ podId: side.podId, attemptId: order.attemptId });
      const job = await side.job(id);
      expect(job).toMatchObject({ state: "queued", losses: 0, attempt: times });
      expect(job.runAfterMs).toBeLessThanOrEqual(side.clock.nowMs());
      expect((await side.attempt(order.attemptId)).reason).toBe("recalled");
      await side.dispatch(id, side.live(), first.order.attemptId);
    }
    expect(await eventsOf(side, id)).toEqual(["queued"]);
    // What was called back is no refusal: the first one pauses as the first.
    expect(await side.store.countUnstarted(id)).toBe(1);
  });

  it("does so once when the agent's stream says it before its answer", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    const report = reportOf(order, "canceled", { startedAt: null });
    side.agent.onWithdraw = () => {
      side.agent.report(report);
      return report;
    };
    await side.settlement.recall({ podId: side.podId, attemptId: order.attemptId });
    await side.advance(500);
    expect(await side.job(id)).toMatchObject({ state: "queued", losses: 0, attempt: 1 });
  });

  it("leaves alone what the agent has begun with, and what nobody answers for", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    side.agent.onWithdraw = () => {
      throw new FleetError("conflict", "Cannot withdraw it: ComfyUI may have it already");
    };
    await side.settlement.recall({ podId: side.podId, attemptId: order.attemptId });
    side.transport.faults.push({ path: /attempts\.withdraw/, fault: "refuse", times: 1 });
    await side.settlement.recall({ podId: side.podId, attemptId: order.attemptId });
    expect((await side.job(id)).state).toBe("assigned");
    expect(side.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("cancels for good what its caller has canceled meanwhile", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await sentAhead(side);
    await side.store.cancelJob({ tenantId: side.tenantId, jobId: id });
    side.agent.onWithdraw = () => reportOf(order, "canceled", { startedAt: null });
    await side.settlement.recall({ podId: side.podId, attemptId: order.attemptId });
    expect((await side.job(id)).state).toBe("canceled");
  });

  it("takes a job that a pod gives up by itself back after a pause, and one that it had begun with as a loss", async () => {
    await using side = await setUpPodSide();
    const { first, id, order } = await sentAhead(side);
    await side.settlement.settle(side.podId, reportOf(order, "canceled", { startedAt: null }));
    const job = await side.job(id);
    expect(job).toMatchObject({ state: "queued", losses: 0 });
    expect(job.runAfterMs).toBeGreaterThan(side.clock.nowMs());
    await side.settlement.settle(side.podId, reportOf(first.order, "canceled"));
    expect(await side.job(first.id)).toMatchObject({ state: "queued", losses: 1 });
  });
});

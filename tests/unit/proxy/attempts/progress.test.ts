import { describe, expect, it } from "vitest";
import { reportOf } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "../pods/pod-side.ts";
import { running, succeeded } from "./attempt-steps.ts";

function at(value: number) {
  return { value, nodesDone: 0, nodesTotal: 1, currentNode: "1", currentNodeClass: "KSampler", step: 1, steps: 2 };
}

describe("settle() of progress", () => {
  it("keeps what an event of the pod tells of a live attempt", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    expect(side.lastProgress.get(id, 1)).toBeNull();
    side.agent.report(reportOf(order, "running", { progress: at(0.25) }));
    await until(() => side.lastProgress.get(id, 1)?.value === 0.25);
  });

  it("keeps what each beat tells, also of a revision that was settled before, without reading the store", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.agent.attempts.set(order.attemptId, reportOf(order, "running", { progress: at(0.1) }));
    await side.advance(6_000);
    await until(() => side.lastProgress.get(id, 1)?.value === 0.1);
    side.store.getAttempt = () => Promise.reject(new Error("read again"));
    side.agent.attempts.set(order.attemptId, reportOf(order, "running", { progress: at(0.6) }));
    await side.advance(6_000);
    await until(() => side.lastProgress.get(id, 1)?.value === 0.6);
    expect(side.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("forgets it with the end of the job, also when an older report comes after", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const report = reportOf(order, "running", { progress: at(0.5) });
    side.agent.report(report);
    await until(() => side.lastProgress.get(id, 1) !== null);
    side.agent.report(succeeded(order, []));
    await until(async () => (await side.job(id)).state === "succeeded");
    await until(() => side.lastProgress.get(id, 1) === null);
    await side.settlement.settle(side.podId, report);
    expect(side.lastProgress.get(id, 1)).toBeNull();
  });

  it("forgets it when the job fails for its losses", async () => {
    await using side = await setUpPodSide({ attempts: { maxLosses: 0 } });
    const { id, order } = await running(side);
    await side.settlement.settle(side.podId, reportOf(order, "running", { progress: at(0.5) }));
    await side.settlement.lost({ id: side.lastStart().attemptId, jobId: id, no: 1, podId: side.podId }, "pod_lost");
    expect((await side.job(id)).state).toBe("failed");
    expect(side.lastProgress.get(id, 1)).toBeNull();
  });

  it("takes no pod's word about an attempt of another pod, or about another job", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const other = await side.submit();
    const report = reportOf(order, "running", { progress: at(0.5) });
    await side.settlement.settle("pod_00000000000000000000000001", report);
    expect(side.lastProgress.get(id, 1)).toBeNull();
    await side.settlement.settle(side.podId, { ...report, jobId: other.id });
    expect(side.lastProgress.get(other.id, 1)).toBeNull();
    expect(side.lastProgress.get(id, 1)?.value).toBe(0.5);
  });
});

import { describe, expect, it } from "vitest";
import { reportOf } from "../../../support/agent-reports.ts";
import { setUpPodSide } from "../pods/pod-side.ts";
import { running } from "./attempt-steps.ts";

function at(value: number) {
  return { value, nodesDone: 0, nodesTotal: 1, currentNode: "1", currentNodeClass: "KSampler", step: 1, steps: 2 };
}

describe("begun()", () => {
  it("lets the first reports of a started attempt bring progress without asking the store about it", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    side.store.getAttempt = () => Promise.reject(new Error("read for a report that changes nothing"));
    await side.settlement.settle(side.podId, reportOf(order, "running", { rev: 1, progress: at(0.1) }));
    await side.settlement.settle(side.podId, reportOf(order, "running", { rev: 2, progress: at(0.2) }));
    expect(side.lastProgress.get(id, 1)?.value).toBe(0.2);
    expect(side.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("is of its own pod's attempt alone, and said again it takes nothing back", async () => {
    await using side = await setUpPodSide();
    const { id, order } = await running(side);
    const begun = { id: order.attemptId, podId: side.podId, jobId: id, no: 1 };
    await side.settlement.settle(side.podId, reportOf(order, "running", { rev: 7, progress: at(0.7) }));
    side.settlement.begun(begun);
    side.settlement.begun({ ...begun, podId: "pod_00000000000000000000000001" });
    // An older report of an end, come late: the attempt is known to be further.
    await side.settlement.settle(side.podId, reportOf(order, "lost", { rev: 5 }));
    await side.settlement.settle("pod_00000000000000000000000001", reportOf(order, "lost", { rev: 9 }));
    expect(await side.job(id)).toMatchObject({ state: "running", losses: 0 });
    expect(side.lastProgress.get(id, 1)?.value).toBe(0.7);
  });
});

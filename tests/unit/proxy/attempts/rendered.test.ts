import { describe, expect, it } from "vitest";
import { reportOf } from "../../../support/agent-reports.ts";
import { setUpPodSide, until } from "../pods/pod-side.ts";
import { output, running, succeeded } from "./attempt-steps.ts";

describe("isRendered()", () => {
  it("holds from the word that the run is over until the outputs are stored, also while they cannot be", async () => {
    await using side = await setUpPodSide({ attempts: { collectTries: 1 } });
    const { id, order } = await running(side);
    const attempt = { id: order.attemptId, podId: side.podId };
    const isRendered = () => side.settlement.isRendered(attempt);
    await side.settlement.settle(side.podId, reportOf(order, "running"));
    expect(isRendered()).toBe(false);
    await side.settlement.settle(side.podId, reportOf(order, "collecting"));
    expect(isRendered()).toBe(true);
    const report = succeeded(order, [output(side, order, { text: "pixels" })]);
    side.transport.faults.push({ path: /outputs/, fault: "refuse", times: 1 });
    await side.settlement.settle(side.podId, report);
    expect((await side.job(id)).state).toBe("running");
    await side.settlement.settle(side.podId, reportOf(order, "running"));
    expect(isRendered()).toBe(true);
    await side.settlement.settle(side.podId, report);
    await until(async () => (await side.job(id)).state === "succeeded");
    expect(isRendered()).toBe(false);
  });

  it("does not hold for a run that failed, or for another pod's attempt", async () => {
    await using side = await setUpPodSide();
    const { order } = await running(side);
    await side.settlement.settle(side.podId, reportOf(order, "collecting"));
    expect(side.settlement.isRendered({ id: order.attemptId, podId: "pod_other" as typeof side.podId })).toBe(false);
    await side.settlement.settle(side.podId, reportOf(order, "failed"));
    expect(side.settlement.isRendered({ id: order.attemptId, podId: side.podId })).toBe(false);
  });
});

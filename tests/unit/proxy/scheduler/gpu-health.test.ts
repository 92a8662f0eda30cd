import { describe, expect, it } from "vitest";
import type { GpuState } from "../../../../contracts/agent/gpu.ts";
import { jobId, podId } from "../jobs/ids.ts";
import { plan } from "../../../../proxy/scheduler/policy.ts";
import type { PlannedPod } from "../../../../proxy/scheduler/pod-groups.ts";
import { livePod, queued, setUpPlanner } from "./planner-fixture.ts";

const lacking = () => ({ refused: false, classes: [], models: [] });

function pod(n: number, state: GpuState, fields: Partial<PlannedPod> = {}): PlannedPod {
  const why = state === "healthy" ? null : `Pod ${n} is ${state}.`;
  return livePod(n, { gpu: { state, why }, ...fields });
}

function assigned(pods: PlannedPod[], jobs: number[]): string[] {
  return plan({ pods, queue: jobs.map((n) => queued(n)), lacking }).assignments.map((one) => one.podId);
}

function waiting(pods: PlannedPod[]) {
  return plan({ pods, queue: [queued(1)], lacking }).waiting.get(jobId(1));
}

describe("plan() and the GPUs' health", () => {
  it("gives an unhealthy pod nothing, and says so when there is no other", () => {
    expect(assigned([pod(1, "unhealthy"), pod(2, "healthy")], [1, 2])).toEqual([podId(2)]);
    expect(waiting([pod(1, "unhealthy")])).toEqual({
      reason: "pods_unhealthy",
      message: "The only pod that could run it, 'gpu-1', has an unhealthy GPU and gets no work. Pod 1 is unhealthy.",
    });
    expect(waiting([pod(1, "unhealthy"), pod(2, "unhealthy", { objectInfoSha256: null })])).toEqual({
      reason: "pods_unhealthy",
      message: "All 2 pods that could run it have unhealthy GPUs and get no work; of 'gpu-1': Pod 1 is unhealthy.",
    });
    expect(waiting([livePod(1, { gpu: { state: "unhealthy", why: null } })])?.message).toMatch(/gets no work\.$/);
  });

  it("says that others are busy or not ready rather than that some are unhealthy", () => {
    const sick = pod(1, "unhealthy");
    expect(waiting([sick, pod(2, "healthy", { freeSlots: 0 })])).toEqual({
      reason: "pods_busy",
      message: "Pod 'gpu-2' can run it, but has no free slot.",
    });
    expect(waiting([sick, pod(2, "healthy", { accepting: false })])).toEqual({
      reason: "pods_not_ready",
      message: "2 pods can run it, but none is ready. Of them, 1 has an unhealthy GPU.",
    });
  });

  it("gives degraded pods work last, also before a pod that can do more", () => {
    const degraded = pod(1, "degraded", { freeSlots: 3 });
    expect(assigned([degraded, pod(2, "healthy"), pod(3, "unknown")], [1, 2, 3, 4])).toEqual(
      [podId(2), podId(3), podId(1), podId(1)],
    );
    const pods = [degraded, pod(2, "healthy", { objectInfoSha256: "more" })];
    const rare = { ...queued(1), placementKey: "rare" };
    const only = (key: string, sha256: string) =>
      key === "rare" && sha256 !== "more" ? { refused: false, classes: ["Rare"], models: [] } : lacking();
    const { assignments } = plan({ pods, queue: [{ ...queued(2), priority: "interactive" }, rare], lacking: only });
    expect(assignments.map((one) => [one.jobId, one.podId])).toEqual([[jobId(2), podId(2)]]);
  });

  it("keeps pods at work whose health nobody knows, as if they were healthy", () => {
    expect(assigned([pod(1, "unknown"), pod(2, "healthy")], [1, 2])).toEqual([podId(1), podId(2)]);
  });
});

describe("planner and an unhealthy pod", () => {
  it("dispatches nothing to it, and does as soon as it is better", async () => {
    const { fleet, clock, signals, planner } = setUpPlanner();
    fleet.pods = [livePod(1, { gpu: { state: "unhealthy", why: "It is lost." } })];
    fleet.queue = [queued(1)];
    planner.start();
    await clock.advance(3_000);
    expect(fleet.dispatches).toEqual([]);
    expect(planner.waitingFor(queued(1))).toMatchObject({
      reason: "pods_unhealthy",
      message: expect.stringContaining("It is lost."),
    });
    fleet.pods = [livePod(1, { gpu: { state: "degraded", why: null } })];
    signals.emit("pods", undefined);
    await clock.advance(0);
    expect(fleet.dispatches).toMatchObject([{ jobId: jobId(1) }]);
    await planner.stop();
  });
});

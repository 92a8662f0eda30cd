import { describe, expect, it } from "vitest";
import type { DispatchEnd } from "../../../../proxy/jobs/port.ts";
import { createAvoidance } from "../../../../proxy/scheduler/avoidance.ts";
import { plan } from "../../../../proxy/scheduler/policy.ts";
import { jobId, podId } from "../jobs/ids.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { livePod, queued } from "./planner-fixture.ts";

const bodies = new Set(["body"]);

function setUp() {
  const clock = createManualClock();
  const avoidance = createAvoidance(clock);
  const learn = (job: number, pod: number, end: DispatchEnd) =>
    avoidance.learn({ jobId: jobId(job), pod: livePod(pod) }, end);
  const later = (ms: number) => {
    clock.skip(ms);
    avoidance.forget(bodies);
  };
  return { avoidance, learn, later };
}

describe("createAvoidance()", () => {
  it("keeps a job from a pod that has not taken it, longer each time in a row, and no other job", () => {
    const { avoidance, learn, later } = setUp();
    for (const restMs of [187.5, 375, 750]) {
      learn(1, 1, "given_back");
      expect(avoidance.of(jobId(1))?.pods).toEqual(new Set([podId(1)]));
      expect(avoidance.of(jobId(2))).toBeUndefined();
      later(restMs - 1);
      expect(avoidance.of(jobId(1))).toBeDefined();
      later(1);
      expect(avoidance.of(jobId(1))).toBeUndefined();
    }
    expect(avoidance.isResting(podId(1))).toBe(false);
  });

  it("leaves a pod alone that has not taken several jobs, but not for one job alone", () => {
    const { avoidance, learn, later } = setUp();
    for (let time = 0; time < 5; time += 1) learn(1, 1, "not_taken");
    expect(avoidance.isResting(podId(1))).toBe(false);
    learn(2, 1, "not_taken");
    expect(avoidance.isResting(podId(1))).toBe(true);
    expect(avoidance.isResting(podId(2))).toBe(false);
    later(750);
    expect(avoidance.isResting(podId(1))).toBe(false);
    learn(3, 1, "not_taken");
    later(1_499);
    expect(avoidance.isResting(podId(1))).toBe(true);
    learn(4, 1, "started");
    expect(avoidance.isResting(podId(1))).toBe(false);
  });

  it("remembers which body refuses a job's graph, until the fleet's bodies change or for five minutes", () => {
    const { avoidance, learn, later } = setUp();
    later(1_000);
    learn(1, 1, "refused");
    later(299_999);
    expect(avoidance.of(jobId(1))).toEqual({ bodies: new Set(["body"]), pods: new Set() });
    later(1_001);
    expect(avoidance.of(jobId(1))).toBeUndefined();
    learn(1, 1, "refused");
    avoidance.forget(new Set(["body", "other"]));
    expect(avoidance.of(jobId(1))).toBeUndefined();
  });

  it("forgets a job's failures once it has started, and after a while", () => {
    const { avoidance, learn, later } = setUp();
    for (let time = 0; time < 8; time += 1) learn(1, 1, "given_back");
    later(60_000);
    learn(1, 1, "given_back");
    later(30_000);
    expect(avoidance.of(jobId(1))).toBeDefined();
    learn(1, 1, "started");
    learn(1, 1, "given_back");
    later(188);
    expect(avoidance.of(jobId(1))).toBeUndefined();
    later(120_000);
    learn(1, 1, "given_back");
    later(188);
    expect(avoidance.of(jobId(1))).toBeUndefined();
  });
});

describe("plan() of jobs that avoid pods", () => {
  const lacking = () => ({ refused: false, classes: [], models: [] });
  const avoided = (id: string) =>
    id === jobId(1) ? { bodies: new Set<string>(), pods: new Set([podId(1)]) } : undefined;

  it("gives such a job another pod, and its pod to the next job", () => {
    const pods = [livePod(1, { freeSlots: 2 }), livePod(2)];
    const { assignments, waiting } = plan({ pods, queue: [1, 2, 3].map((n) => queued(n)), lacking, avoided });
    expect(assignments.map((one) => [one.jobId, one.podId])).toEqual([
      [jobId(1), podId(2)],
      [jobId(2), podId(1)],
      [jobId(3), podId(1)],
    ]);
    expect(waiting.size).toBe(0);
  });

  it("lets it wait when there is no other, and hold up nobody", () => {
    const { assignments, waiting } = plan({ pods: [livePod(1)], queue: [queued(1), queued(2)], lacking, avoided });
    expect(assignments.map((one) => one.jobId)).toEqual([jobId(2)]);
    expect(waiting.get(jobId(1))).toEqual({
      reason: "pods_not_ready",
      message: "Pod 'gpu-1' can run it, but is not ready.",
    });
  });
});

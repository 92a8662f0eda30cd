import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Priority } from "../../../../contracts/job.ts";
import { type Callable, plan, type PlanInput } from "../../../../proxy/scheduler/policy.ts";
import type { PlannedPod } from "../../../../proxy/scheduler/pod-groups.ts";
import type { QueuedJob } from "../../../../proxy/store/job-store.ts";
import { attemptId, jobId, podId, tenantId } from "../jobs/ids.ts";

const BANDS: Priority[] = ["interactive", "normal", "batch"];

function pod(n: number, fields: Partial<PlannedPod> = {}): PlannedPod {
  const gpu = { state: "healthy", why: null } as const;
  return { id: podId(n), name: `gpu-${n}`, accepting: true, freeSlots: 0, objectInfoSha256: "plain", gpu, ...fields };
}

/** Its run is that attempt, and nobody waits for it. */
const busy = (n: number, fields: Partial<PlannedPod> = {}) => pod(n, { mayFollow: [attemptId(n)], ...fields });

function job(n: number, fields: Partial<QueuedJob> = {}): QueuedJob {
  return {
    id: jobId(n),
    tenantId: tenantId(1),
    ver: 1,
    priority: "normal",
    placementKey: "any",
    createdAtMs: n,
    losses: 0,
    hasPartnerKey: false,
    ...fields,
  };
}

function ahead(n: number, onPod: number, fields: Partial<QueuedJob> = {}): Callable {
  const id = { attemptId: attemptId(100 + n), jobId: jobId(n), podId: podId(onPod) };
  return { ...id, job: job(n, fields), isLate: false };
}

const run = (input: Partial<PlanInput>) =>
  plan({ pods: [], queue: [], lacking: () => ({ refused: false, classes: [], models: [] }), ...input });
const placesOf = (input: Partial<PlanInput>) =>
  run(input).assignments.map(({ jobId: id, podId: on, after }) => [id, on, after]);
const recallsOf = (input: Partial<PlanInput>) => run(input).recalls.map((one) => one.jobId);

describe("plan() of look-aheads", () => {
  it("sends one job behind each run, the first in turn first, and says that the others wait", () => {
    const { waiting } = run({ pods: [busy(1), busy(2)], queue: [job(1), job(2), job(3)] });
    expect([...waiting.keys()]).toEqual([jobId(3)]);
    expect(placesOf({ pods: [busy(1), busy(2)], queue: [job(3), job(2), job(1)] })).toEqual([
      [jobId(1), podId(1), attemptId(1)],
      [jobId(2), podId(2), attemptId(2)],
    ]);
  });

  it("takes a free slot first, wherever it is", () => {
    expect(placesOf({ pods: [busy(1), pod(2, { freeSlots: 1 })], queue: [job(1), job(2)] })).toEqual([
      [jobId(1), podId(2), null],
      [jobId(2), podId(1), attemptId(1)],
    ]);
  });

  it("sends nothing ahead to a pod that is cordoned, silent, sick or not able", () => {
    const sick = { gpu: { state: "unhealthy", why: null } } as const;
    const pods = [busy(1, { cordoned: true }), busy(2, { accepting: false }), busy(3, sick), busy(4)];
    const lacking: PlanInput["lacking"] = () => ({ refused: false, classes: ["Missing"], models: [] });
    expect(placesOf({ pods: pods.slice(0, 3), queue: [job(1)] })).toEqual([]);
    expect(placesOf({ pods, queue: [job(1)], lacking })).toEqual([]);
  });

  it("prefers a healthy pod to one whose GPU is degraded, and keeps a job from pods that it avoids", () => {
    const degraded = busy(1, { gpu: { state: "degraded", why: null } });
    expect(placesOf({ pods: [degraded, busy(2)], queue: [job(1)] })[0]?.[1]).toBe(podId(2));
    const avoided = () => ({ bodies: new Set<string>(), pods: new Set([podId(1)]) });
    expect(placesOf({ pods: [busy(1), busy(2)], queue: [job(1)], avoided })[0]?.[1]).toBe(podId(2));
  });
});

describe("plan() of recalls", () => {
  it("leaves a look-ahead where it is while no slot is free for it elsewhere", () => {
    expect(recallsOf({ pods: [pod(1), busy(2)], ahead: [ahead(1, 1)] })).toEqual([]);
    const lacking: PlanInput["lacking"] = (_, sha256) => ({
      refused: false,
      classes: sha256 === "other" ? ["Missing"] : [],
      models: [],
    });
    const pods = [pod(1), pod(2, { freeSlots: 1, objectInfoSha256: "other" })];
    expect(recallsOf({ pods, ahead: [ahead(1, 1)], lacking })).toEqual([]);
  });

  it("calls it back for a free slot, which is kept for it from those behind it in turn", () => {
    const pods = [pod(1), pod(2, { freeSlots: 1 })];
    const { recalls, assignments, waiting } = run({ pods, ahead: [ahead(1, 1)], queue: [job(2)] });
    expect(recalls.map((one) => one.jobId)).toEqual([jobId(1)]);
    expect(assignments).toEqual([]);
    expect([...waiting.keys()]).toEqual([jobId(2)]);
    expect(recallsOf({ pods, ahead: [ahead(3, 1)], queue: [job(2)] })).toEqual([]);
  });

  it("calls no more of them back than slots are free", () => {
    const pods = [pod(1), pod(2), pod(3, { freeSlots: 1 })];
    expect(recallsOf({ pods, ahead: [ahead(2, 2), ahead(1, 1)] })).toEqual([jobId(1)]);
  });

  it("calls it back from a pod that gets no new work, and from nobody who does not answer", () => {
    expect(recallsOf({ pods: [pod(1, { cordoned: true })], ahead: [ahead(1, 1)] })).toEqual([jobId(1)]);
    expect(recallsOf({ pods: [pod(1, { gpu: { state: "unhealthy", why: null } })], ahead: [ahead(1, 1)] }))
      .toEqual([jobId(1)]);
    const pods = [pod(1, { accepting: false }), pod(2, { freeSlots: 1 })];
    expect(recallsOf({ pods, ahead: [ahead(1, 1)] })).toEqual([]);
    expect(placesOf({ pods, ahead: [ahead(1, 1)], queue: [job(2)] })).toEqual([[jobId(2), podId(2), null]]);
  });

  it("calls it back when it is past its start deadline", () => {
    expect(recallsOf({ pods: [pod(1)], ahead: [{ ...ahead(1, 1), isLate: true }] })).toEqual([jobId(1)]);
  });

  it("makes room for a job of a higher band, by the last in turn, and for none of the same band", () => {
    const pods = [pod(1), pod(2)];
    const sent = [ahead(1, 1, { priority: "batch" }), ahead(2, 2, { priority: "batch" })];
    expect(recallsOf({ pods, ahead: sent, queue: [job(3, { priority: "interactive" })] })).toEqual([jobId(2)]);
    expect(recallsOf({ pods, ahead: sent, queue: [3, 4, 5].map((n) => job(n)) })).toEqual([jobId(2), jobId(1)]);
    expect(recallsOf({ pods, ahead: sent, queue: [job(3, { priority: "batch" })] })).toEqual([]);
    const avoided = () => ({ bodies: new Set<string>(), pods: new Set([podId(2)]) });
    expect(recallsOf({ pods, ahead: sent, queue: [job(3)], avoided })).toEqual([jobId(1)]);
  });

  it("gives each free slot to one job at most, called back or queued, whatever the order of its arguments", () => {
    const arbitrary = fc.record({
      free: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 }),
      sent: fc.array(fc.record({ on: fc.nat(4), priority: fc.constantFrom(...BANDS) }), { maxLength: 5 }),
      queue: fc.array(fc.constantFrom(...BANDS), { maxLength: 8 }),
    });
    fc.assert(fc.property(arbitrary, ({ free, sent, queue }) => {
      const input = {
        pods: free.map((freeSlots, n) => pod(n + 1, { freeSlots })),
        ahead: sent.map(({ on, priority }, n) => ahead(n + 1, on + 1, { priority })),
        queue: queue.map((priority, n) => job(n + 50, { priority })),
      };
      const { assignments, recalls } = run(input);
      const slots = free.reduce((sum, one) => sum + one, 0);
      // Each of the rest makes room for a queued job of a higher band that has no place.
      const unplaced = queue.length - assignments.length;
      expect(assignments.length + recalls.length).toBeLessThanOrEqual(slots + unplaced);
      expect(new Set(recalls.map((one) => one.attemptId)).size).toBe(recalls.length);
      const turned = run({
        pods: input.pods.toReversed(),
        ahead: input.ahead.toReversed(),
        queue: input.queue.toReversed(),
      });
      expect(turned.assignments).toEqual(assignments);
      expect(new Set(turned.recalls)).toEqual(new Set(recalls));
    }));
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobId } from "../../../../contracts/ids.ts";
import type { Priority } from "../../../../contracts/job.ts";
import { isCapable, type Lacking } from "../../../../proxy/scheduler/capability.ts";
import { plan, type PlanInput } from "../../../../proxy/scheduler/policy.ts";
import type { PlannedPod } from "../../../../proxy/scheduler/pod-groups.ts";
import type { QueuedJob } from "../../../../proxy/store/job-store.ts";
import { attemptId, jobId, podId, tenantId } from "../jobs/ids.ts";

const CAPABLE: Lacking = { refused: false, classes: [], models: [] };
const BANDS: Priority[] = ["interactive", "normal", "batch"];

function pod(n: number, fields: Partial<PlannedPod> = {}): PlannedPod {
  const gpu = { state: "healthy", why: null } as const;
  return { id: podId(n), name: `gpu-${n}`, accepting: true, freeSlots: 1, objectInfoSha256: "plain", gpu, ...fields };
}

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

/** `table[placementKey][body]`; what is not in it can be run. */
function lacking(table: Record<string, Record<string, Lacking | null>> = {}): PlanInput["lacking"] {
  return (key, sha256) => {
    const found = table[key]?.[sha256];
    return found === undefined ? CAPABLE : found;
  };
}

const model = { classType: "UNETLoader", input: "unet_name", name: "big.safetensors" };

describe("plan()", () => {
  it("gives the oldest job the slot, and says that pods are busy to the others", () => {
    const queue = [job(2), job(1), job(3)];
    const { assignments, waiting } = plan({ pods: [pod(1)], queue, lacking: lacking() });
    expect(assignments).toEqual([{ jobId: jobId(1), ver: 1, podId: podId(1), after: null }]);
    expect([...waiting.keys()]).toEqual([jobId(2), jobId(3)]);
    expect(waiting.get(jobId(2))).toEqual({
      reason: "pods_busy",
      message: "Pod 'gpu-1' can run it, but has no free slot.",
    });
  });

  it("takes higher bands first", () => {
    const queue = [job(1, { priority: "batch" }), job(2), job(3, { priority: "interactive" })];
    const { assignments } = plan({ pods: [pod(1, { freeSlots: 2 })], queue, lacking: lacking() });
    expect(assignments.map((one) => one.jobId)).toEqual([jobId(3), jobId(2)]);
  });

  it("lets a job that nothing can run hold up nobody", () => {
    const table = { rare: { plain: { refused: false, classes: ["Rare"], models: [] } } };
    const queue = [job(1, { placementKey: "rare" }), job(2)];
    const { assignments, waiting } = plan({ pods: [pod(1)], queue, lacking: lacking(table) });
    expect(assignments.map((one) => one.jobId)).toEqual([jobId(2)]);
    expect(waiting.get(jobId(1))).toEqual({
      reason: "no_capable_pod",
      message: "No pod can run it: the nearest, 'gpu-1', lacks the class 'Rare'.",
    });
  });

  it("keeps the pod that can do more for the job that needs it", () => {
    const table = { rare: { plain: { refused: false, classes: ["Rare"], models: [] } } };
    const pods = [pod(1, { objectInfoSha256: "able" }), pod(2)];
    const queue = [job(1), job(2, { placementKey: "rare" })];
    expect(plan({ pods, queue, lacking: lacking(table) }).assignments).toEqual([
      { jobId: jobId(1), ver: 1, podId: podId(2), after: null },
      { jobId: jobId(2), ver: 1, podId: podId(1), after: null },
    ]);
  });

  it("names the files that the nearest pod lacks", () => {
    const table = {
      any: {
        far: { refused: false, classes: ["Rare"], models: [] },
        near: { refused: false, classes: [], models: [model] },
      },
    };
    const pods = [pod(1, { objectInfoSha256: "far" }), pod(2, { objectInfoSha256: "near" })];
    expect(plan({ pods, queue: [job(1)], lacking: lacking(table) }).waiting.get(jobId(1))).toEqual({
      reason: "missing_model",
      message: "No pod has every model: the nearest, 'gpu-2', lacks 'big.safetensors' (UNETLoader.unet_name).",
    });
  });

  it("gives a pod nothing that its ComfyUI refuses, and says so", () => {
    const refused: Lacking = { refused: true, classes: [], models: [] };
    const far = { far: { refused: false, classes: ["Rare"], models: [] }, near: refused };
    const pods = [pod(1, { objectInfoSha256: "far" }), pod(2, { objectInfoSha256: "near" })];
    const { assignments, waiting } = plan({ pods, queue: [job(1)], lacking: lacking({ any: far }) });
    expect(assignments).toEqual([]);
    expect(waiting.get(jobId(1))).toEqual({
      reason: "no_capable_pod",
      message: "No pod can run it: the nearest, 'gpu-2', runs a ComfyUI that refuses this graph.",
    });
    const files = { far: refused, near: { refused: false, classes: [], models: [model] } };
    expect(plan({ pods, queue: [job(1)], lacking: lacking({ any: files }) }).waiting.get(jobId(1))?.reason)
      .toBe("missing_model");
  });

  it("knows nothing of pods for development, whatever they could run", () => {
    const dev = pod(1, { dev: true, freeSlots: 4 });
    const { assignments, waiting } = plan({ pods: [dev], queue: [job(1)], lacking: lacking() });
    expect(assignments).toEqual([]);
    expect(waiting.get(jobId(1))).toEqual({ reason: "no_pods", message: "No pod is connected." });
    const beside = plan({ pods: [dev, pod(2)], queue: [job(1), job(2)], lacking: lacking() });
    expect(beside.assignments.map(({ podId: id }) => id)).toEqual([podId(2)]);
    expect(beside.waiting.get(jobId(2))?.message).toContain("'gpu-2'");
  });

  it("passes cordoned pods over, and speaks of them only when no other can run the job", () => {
    const cordoned = [pod(1, { cordoned: true }), pod(2, { cordoned: true })];
    const { assignments } = plan({ pods: [...cordoned, pod(3)], queue: [job(1)], lacking: lacking() });
    expect(assignments).toMatchObject([{ podId: podId(3) }]);
    const why = (pods: PlannedPod[]) => plan({ pods, queue: [job(1)], lacking: lacking() }).waiting.get(jobId(1));
    expect(why(cordoned)).toEqual({
      reason: "pods_cordoned",
      message: "2 pods can run it, but all are cordoned: an operator lets them take no new work.",
    });
    expect(why([...cordoned, pod(3, { freeSlots: 0 })])).toMatchObject({
      reason: "pods_busy",
      message: "Pod 'gpu-3' can run it, but has no free slot.",
    });
    expect(why([...cordoned, pod(3, { accepting: false })])?.reason).toBe("pods_not_ready");
    expect(why([pod(1, { cordoned: true, accepting: false })])?.reason).toBe("pods_cordoned");
  });

  it("says when there are no pods, when none is ready, and when one has not told yet what it can run", () => {
    const reasonWith = (pods: PlannedPod[], table = {}) =>
      plan({ pods, queue: [job(1)], lacking: lacking(table) }).waiting.get(jobId(1));
    expect(reasonWith([])).toEqual({ reason: "no_pods", message: "No pod is connected." });
    expect(reasonWith([pod(1, { accepting: false })])).toEqual({
      reason: "pods_not_ready",
      message: "Pod 'gpu-1' can run it, but is not ready.",
    });
    expect(reasonWith([pod(1, { objectInfoSha256: null })])).toEqual({
      reason: "pods_not_ready",
      message: "Pod 'gpu-1' has not told yet what it can run.",
    });
    // Its body is named but has not been fetched.
    expect(reasonWith([pod(1)], { any: { plain: null } })?.reason).toBe("pods_not_ready");
  });

  const arbitraryInput = fc.record({
    pods: fc.array(
      fc.record({
        accepting: fc.boolean(),
        freeSlots: fc.integer({ min: 0, max: 3 }),
        mayFollow: fc.uniqueArray(fc.constantFrom(...[1, 2, 3].map(attemptId)), { maxLength: 2 }),
        objectInfoSha256: fc.constantFrom(null, "a", "b", "c"),
      }),
      { maxLength: 8 },
    ).map((pods) => pods.map((fields, index) => pod(index, fields))),
    queue: fc.array(
      fc.record({
        priority: fc.constantFrom(...BANDS),
        placementKey: fc.constantFrom("x", "y", "z"),
        createdAtMs: fc.integer({ min: 0, max: 5 }),
      }),
      { maxLength: 20 },
    ).map((jobs) => jobs.map((fields, index) => job(index, fields))),
    able: fc.uniqueArray(fc.tuple(fc.constantFrom("x", "y", "z"), fc.constantFrom("a", "b", "c")), {
      selector: ([key, sha256]) => key + sha256,
    }),
  }).map(({ pods, queue, able }) => ({
    pods,
    queue,
    lacking: (key: string, sha256: string): Lacking =>
      able.some(([k, s]) => k === key && s === sha256) ? CAPABLE : { refused: false, classes: ["Missing"], models: [] },
  }));

  const canRun = (input: PlanInput, one: PlannedPod, wanted: QueuedJob) => {
    const found = one.objectInfoSha256 === null ? null : input.lacking(wanted.placementKey, one.objectInfoSha256);
    return one.accepting && found !== null && isCapable(found);
  };

  it("never gives a slot twice, never picks a pod that cannot run the job, and answers for every job once", () => {
    fc.assert(fc.property(arbitraryInput, (input) => {
      const { assignments, waiting } = plan(input);
      for (const one of input.pods) {
        const given = assignments.filter((assignment) => assignment.podId === one.id);
        expect(given.filter(({ after }) => after === null).length).toBeLessThanOrEqual(
          one.accepting ? one.freeSlots : 0,
        );
        const followed = given.flatMap(({ after }) => after ?? []);
        expect(new Set(followed).size).toBe(followed.length);
        expect(followed.filter((id) => !one.mayFollow?.includes(id))).toEqual([]);
        for (const { jobId: id } of given) {
          const wanted = input.queue.find((entry) => entry.id === id);
          expect(wanted && canRun(input, one, wanted)).toBe(true);
        }
      }
      const answered = [...assignments.map((one) => one.jobId), ...waiting.keys()];
      expect(answered.toSorted()).toEqual(input.queue.map((one) => one.id).toSorted());
    }));
  });

  it("never lets a job wait for a slot that a later job of the same kind got, nor leaves one idle that it could use", () => {
    fc.assert(fc.property(arbitraryInput, (input) => {
      const { assignments, waiting } = plan(input);
      const assigned = new Set<JobId>(assignments.map((one) => one.jobId));
      for (const wanted of input.queue.filter((one) => waiting.has(one.id))) {
        const later = input.queue.filter((one) =>
          assigned.has(one.id) && one.placementKey === wanted.placementKey &&
          (BANDS.indexOf(one.priority) > BANDS.indexOf(wanted.priority) ||
            (one.priority === wanted.priority && one.createdAtMs > wanted.createdAtMs))
        );
        expect(later).toEqual([]);
        const idle = input.pods.filter((one) =>
          canRun(input, one, wanted) &&
          assignments.filter((assignment) => assignment.podId === one.id).length <
            one.freeSlots + (one.mayFollow ?? []).length
        );
        expect(idle).toEqual([]);
      }
    }));
  });

  it("does not depend on the order of its arguments", () => {
    fc.assert(fc.property(arbitraryInput, (input) => {
      const turned = { ...input, pods: input.pods.toReversed(), queue: input.queue.toReversed() };
      const { assignments, waiting } = plan(input);
      expect(plan(turned)).toMatchObject({ assignments, waiting });
    }));
  });

  it("plans 10,000 jobs on 1,000 pods within a tick", () => {
    const pods = Array.from({ length: 1_000 }, (_, n) => pod(n, { objectInfoSha256: `body-${n % 20}` }));
    const queue = Array.from({ length: 10_000 }, (_, n) => job(n, { placementKey: `key-${n % 60}` }));
    const input = { pods, queue, lacking: lacking() };
    plan(input);
    const startedMs = performance.now();
    expect(plan(input).assignments).toHaveLength(1_000);
    // About 10 ms on two shared cores; the bound only catches a plan that has become quadratic.
    expect(performance.now() - startedMs).toBeLessThan(200);
  });
});

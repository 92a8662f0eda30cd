/**
 * What the planner has learned from dispatches that came to nothing: bodies that refuse a job's graph, pods that have
 * not taken a job, and pods that take nobody's. In memory only: an edge that knows nothing of it asks once more.
 */
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { DispatchEnd } from "../jobs/port.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { LivePod } from "../pods/port.ts";

/** Where one job is not to go for now, beyond what its placement key says. */
export interface Avoided {
  /** Hashes of `/object_info` bodies that refuse its graph. */
  bodies: ReadonlySet<string>;
  pods: ReadonlySet<PodId>;
}

export interface Avoidance {
  learn(decision: { jobId: JobId; pod: Pick<LivePod, "id" | "objectInfoSha256"> }, end: DispatchEnd): void;
  /** Undefined for a job that may go wherever its placement key may. */
  of(jobId: JobId): Avoided | undefined;
  /** Whether the pod is left alone by all, because it has taken none of several jobs in a row. */
  isResting(podId: PodId): boolean;
  /** Drops what is over; call it before each look with the bodies of the pods as they are now. */
  forget(bodies: ReadonlySet<string>): void;
}

interface Rest {
  failures: number;
  untilMs: number;
}

interface JobMemory {
  pods: Map<PodId, Rest>;
  /** Until when each body's refusal is remembered. */
  bodies: Map<string, number>;
}

interface PodMemory {
  /** Those it has not taken since it last took one: one job alone may be the culprit itself. */
  jobs: Set<JobId>;
  untilMs: number;
}

const JOB_REST = { firstMs: 250, maxMs: 60_000 };
const POD_REST = { firstMs: 1_000, maxMs: 60_000 };
/** A body refuses a graph for good, but whether that ends the job depends on the fleet: asked again after this. */
const REFUSAL_MS = 300_000;
const SWEEP_MS = 1_000;
/** More jobs than these in a row make a pod's rest no longer. */
const MAX_POD_JOBS = 10;

/** @param capacity jobs remembered; past it the oldest is forgotten */
export function createAvoidance(clock: Clock, capacity = 10_000): Avoidance {
  const jobs = new Map<JobId, JobMemory>();
  const pods = new Map<PodId, PodMemory>();
  let bodiesSeen: ReadonlySet<string> = new Set();
  let sweptMs = 0;

  function memoryOf(jobId: JobId): JobMemory {
    const memory = jobs.get(jobId) ?? { pods: new Map(), bodies: new Map() };
    jobs.set(jobId, memory);
    const [oldest] = jobs.keys();
    if (jobs.size > capacity && oldest !== undefined) jobs.delete(oldest);
    return memory;
  }

  function restJob(jobId: JobId, podId: PodId): void {
    const { pods: rests } = memoryOf(jobId);
    const failures = (rests.get(podId)?.failures ?? 0) + 1;
    rests.set(podId, { failures, untilMs: clock.monotonicMs() + backoffMs(clock, failures, JOB_REST) });
  }

  function restPod(podId: PodId, jobId: JobId): void {
    const memory = pods.get(podId) ?? { jobs: new Set(), untilMs: 0 };
    pods.set(podId, memory);
    if (memory.jobs.size < MAX_POD_JOBS) memory.jobs.add(jobId);
    const others = memory.jobs.size - 1;
    if (others > 0) memory.untilMs = clock.monotonicMs() + backoffMs(clock, others, POD_REST);
  }

  function sweep(nowMs: number): void {
    for (const [jobId, memory] of jobs) {
      for (const [podId, { untilMs }] of memory.pods) {
        // Kept a while longer than it lasts, so that the next failure in a row is known as one.
        if (untilMs + JOB_REST.maxMs <= nowMs) memory.pods.delete(podId);
      }
      for (const [sha256, untilMs] of memory.bodies) if (untilMs <= nowMs) memory.bodies.delete(sha256);
      if (memory.pods.size === 0 && memory.bodies.size === 0) jobs.delete(jobId);
    }
  }

  return {
    learn({ jobId, pod }, end) {
      switch (end) {
        case "started":
          jobs.delete(jobId);
          pods.delete(pod.id);
          break;
        case "not_taken":
          restPod(pod.id, jobId);
          restJob(jobId, pod.id);
          break;
        case "refused":
          if (pod.objectInfoSha256 === null) break;
          memoryOf(jobId).bodies.set(pod.objectInfoSha256, clock.monotonicMs() + REFUSAL_MS);
          break;
        case "given_back":
          restJob(jobId, pod.id);
          break;
        case "ended":
          jobs.delete(jobId);
          break;
        case "unmoved":
          break;
      }
    },
    of(jobId) {
      const memory = jobs.get(jobId);
      if (!memory) return undefined;
      const nowMs = clock.monotonicMs();
      const resting = [...memory.pods].filter(([, { untilMs }]) => untilMs > nowMs).map(([podId]) => podId);
      if (resting.length === 0 && memory.bodies.size === 0) return undefined;
      return { bodies: new Set(memory.bodies.keys()), pods: new Set(resting) };
    },
    isResting: (podId) => (pods.get(podId)?.untilMs ?? 0) > clock.monotonicMs(),
    forget(bodies) {
      const nowMs = clock.monotonicMs();
      if (bodies.symmetricDifference(bodiesSeen).size > 0) {
        bodiesSeen = new Set(bodies);
        for (const memory of jobs.values()) memory.bodies.clear();
      }
      if (nowMs - sweptMs < SWEEP_MS) return;
      sweptMs = nowMs;
      sweep(nowMs);
    },
  };
}

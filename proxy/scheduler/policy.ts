/**
 * The scheduling policy: which job starts on which pod now, and why every other job waits. A pure function without
 * clock or I/O, so that the planner, a dry run and a simulation share it; equal arguments give equal plans.
 *
 * The oldest job of the highest band that some free slot can run goes first; a job that nothing can run holds up nobody.
 * Among pods that can run it, the one that the fewest other kinds of queued job could use is taken; one whose GPU is
 * degraded only when there is no other, one whose GPU is unhealthy never.
 */
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { Priority, Waiting } from "../../contracts/job.ts";
import type { QueuedJob } from "../store/job-store.ts";
import type { Avoided } from "./avoidance.ts";
import { isCapable, type LackingLookup } from "./capability.ts";
import { compareText, groupPods, type PlannedPod, type PodGroup, takesWork } from "./pod-groups.ts";
import { explainWaiting } from "./waiting.ts";

export interface PlanInput {
  pods: readonly PlannedPod[];
  queue: readonly QueuedJob[];
  lacking: LackingLookup;
  /** Where single jobs are not to go for now. Default: no such job. */
  avoided?: (jobId: JobId) => Avoided | undefined;
}

export interface Assignment {
  jobId: JobId;
  /** The job's version that was looked at: the guard of the assignment. */
  ver: number;
  podId: PodId;
}

export interface Plan {
  assignments: Assignment[];
  /** For every job of the queue that is not assigned. */
  waiting: Map<JobId, Waiting>;
  /** Why any other job of this placement key would wait, were it behind those of the queue and avoided these. */
  explain: (placementKey: string, avoided?: Avoided) => Waiting;
}

const BANDS: Readonly<Record<Priority, number>> = { interactive: 0, normal: 1, batch: 2 };

function byTurn(a: QueuedJob, b: QueuedJob): number {
  return BANDS[a.priority] - BANDS[b.priority] || a.createdAtMs - b.createdAtMs || compareText(a.id, b.id);
}

/** The free slots of one group of pods, or of those of it whose GPUs are degraded. */
interface FreeSlots {
  sha256: string;
  degraded: boolean;
  /** The pod of each free slot, pods with most free slots first; taken from `next` on. */
  slots: PodId[];
  next: number;
  /** How many placement keys of this queue it can run. */
  versatility: number;
}

function freeSlots({ sha256, pods }: PodGroup): FreeSlots[] {
  if (sha256 === null) return [];
  const free = pods.filter((pod) => takesWork(pod) && pod.freeSlots > 0).toSorted((a, b) => b.freeSlots - a.freeSlots);
  return [false, true].flatMap((degraded) => {
    const slots = free.filter((pod) => (pod.gpu.state === "degraded") === degraded)
      .flatMap((pod) => Array.from({ length: pod.freeSlots }, () => pod.id));
    return slots.length === 0 ? [] : [{ sha256, degraded, slots, next: 0, versatility: 0 }];
  });
}

/** For each placement key the groups that can run it: the least versatile first, after all others the degraded ones. */
function candidatesByKey(
  keys: ReadonlySet<string>,
  groups: FreeSlots[],
  lacking: LackingLookup,
): Map<string, FreeSlots[]> {
  const candidates = new Map<string, FreeSlots[]>();
  for (const key of keys) {
    const able = groups.filter((group) => {
      const found = lacking(key, group.sha256);
      return found !== null && isCapable(found);
    });
    for (const group of able) group.versatility += 1;
    candidates.set(key, able);
  }
  for (const able of candidates.values()) {
    able.sort((a, b) =>
      Number(a.degraded) - Number(b.degraded) || a.versatility - b.versatility || compareText(a.sha256, b.sha256)
    );
  }
  return candidates;
}

/** The next slot that the job does not avoid; one that it skips stays for others. */
function takeSlot(groups: readonly FreeSlots[], avoided: Avoided | undefined): PodId | null {
  for (const group of groups) {
    const { slots, next } = group;
    if (avoided?.bodies.has(group.sha256)) continue;
    const at = avoided ? slots.findIndex((podId, index) => index >= next && !avoided.pods.has(podId)) : next;
    const podId = slots[at];
    if (podId === undefined) continue;
    slots.copyWithin(next + 1, next, at);
    group.next += 1;
    return podId;
  }
  return null;
}

/** The words for one job that avoids pods which others of its placement key may use. */
function explainAvoiding(
  groups: readonly PodGroup[],
  { placementKey, avoided }: { placementKey: string; avoided: Avoided },
  lacking: LackingLookup,
): Waiting {
  const seen = groups.map(({ sha256, pods }) => ({
    sha256,
    pods: pods.map((pod) => ({ ...pod, accepting: pod.accepting && !avoided.pods.has(pod.id) })),
  }));
  return explainWaiting(seen, placementKey, (key, sha256) => {
    const found = lacking(key, sha256);
    return found && avoided.bodies.has(sha256) ? { ...found, refused: true } : found;
  });
}

/** Time: O(queue log queue + keys × bodies). */
export function plan({ pods, queue, lacking, avoided = () => undefined }: PlanInput): Plan {
  const groups = groupPods(pods);
  const keys = new Set(queue.map((job) => job.placementKey));
  const candidates = candidatesByKey(keys, groups.flatMap(freeSlots), lacking);
  const explanations = new Map<string, Waiting>();
  const explain = (placementKey: string, kept?: Avoided): Waiting => {
    if (kept) return explainAvoiding(groups, { placementKey, avoided: kept }, lacking);
    const explanation = explanations.get(placementKey) ?? explainWaiting(groups, placementKey, lacking);
    explanations.set(placementKey, explanation);
    return explanation;
  };
  const assignments: Assignment[] = [];
  const waiting = new Map<JobId, Waiting>();
  for (const job of queue.toSorted(byTurn)) {
    const kept = avoided(job.id);
    const podId = takeSlot(candidates.get(job.placementKey) ?? [], kept);
    if (podId !== null) {
      assignments.push({ jobId: job.id, ver: job.ver, podId });
      continue;
    }
    waiting.set(job.id, explain(job.placementKey, kept));
  }
  return { assignments, waiting, explain };
}

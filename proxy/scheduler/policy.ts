/**
 * The scheduling policy: which job goes where now, and why every other job waits. A pure function without clock or I/O,
 * so that the planner, a dry run and a simulation share it; equal arguments give equal plans.
 *
 * The oldest job of the highest band that some free slot can run goes first; a job that nothing can run holds up nobody.
 * Among pods that can run it, the one that the fewest other kinds of queued job could use is taken; one whose GPU is
 * degraded only when there is no other, one whose GPU is unhealthy never. A job for which no slot is free goes ahead to a
 * pod that is busy, one behind each run. It is called back from there when its turn comes for a slot that is free
 * elsewhere, and when a job of a higher band has no place.
 */
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";
import type { Priority, Waiting } from "../../contracts/job.ts";
import type { LookAhead } from "../pods/port.ts";
import type { QueuedJob } from "../store/job-store.ts";
import type { Avoided } from "./avoidance.ts";
import { isCapable, type LackingLookup } from "./capability.ts";
import { findPlaces, followersOf, freeSlotsOf } from "./places.ts";
import { compareText, groupPods, type PlannedPod, type PodGroup, takesWork } from "./pod-groups.ts";
import { explainWaiting } from "./waiting.ts";

/** A look-ahead that has waited so long that it may be called back. */
export interface Callable extends LookAhead {
  podId: PodId;
  job: QueuedJob;
  /** It is past its start deadline. */
  isLate: boolean;
}

export interface PlanInput {
  pods: readonly PlannedPod[];
  queue: readonly QueuedJob[];
  lacking: LackingLookup;
  /** Where single jobs are not to go for now. Default: no such job. */
  avoided?: (jobId: JobId) => Avoided | undefined;
  /** Default: none. */
  ahead?: readonly Callable[];
}

export interface Assignment {
  jobId: JobId;
  /** The job's version that was looked at: the guard of the assignment. */
  ver: number;
  podId: PodId;
  /** Whose slot it is to have next; null: a free one. */
  after: AttemptId | null;
}

export interface Plan {
  assignments: Assignment[];
  /** Look-aheads to be called back into the queue. */
  recalls: Callable[];
  /** For every job of the queue that is not assigned. */
  waiting: Map<JobId, Waiting>;
  /** Why any other job of this placement key would wait, were it behind those of the queue and avoided these. */
  explain: (placementKey: string, avoided?: Avoided) => Waiting;
}

const BANDS: Readonly<Record<Priority, number>> = { interactive: 0, normal: 1, batch: 2 };

function byTurn(a: QueuedJob, b: QueuedJob): number {
  return BANDS[a.priority] - BANDS[b.priority] || a.createdAtMs - b.createdAtMs || compareText(a.id, b.id);
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

/** Whether the job may run on this pod, were there a place. */
function fits(job: QueuedJob, pod: PlannedPod | undefined, { lacking, avoided = () => undefined }: PlanInput): boolean {
  if (!pod || pod.objectInfoSha256 === null || !takesWork(pod)) return false;
  const found = lacking(job.placementKey, pod.objectInfoSha256);
  const kept = avoided(job.id);
  return found !== null && isCapable(found) && !kept?.pods.has(pod.id) && !kept?.bodies.has(pod.objectInfoSha256);
}

/** Time: O(queue log queue + keys × bodies), and for jobs of higher bands without a place O(look-aheads of lower ones) each. */
export function plan(input: PlanInput): Plan {
  const { pods, queue, lacking, avoided = () => undefined, ahead = [] } = input;
  const groups = groupPods(pods);
  const podsById = new Map(pods.map((pod) => [pod.id, pod]));
  const sent = new Map(ahead.map((one) => [one.job, one]));
  const turns = [...queue, ...sent.keys()].toSorted(byTurn);
  const keys = new Set(turns.map((job) => job.placementKey));
  const free = findPlaces(groups, freeSlotsOf, { keys, lacking });
  const next = findPlaces(groups, followersOf, { keys, lacking });
  const explanations = new Map<string, Waiting>();
  const explain = (placementKey: string, kept?: Avoided): Waiting => {
    if (kept) return explainAvoiding(groups, { placementKey, avoided: kept }, lacking);
    const explanation = explanations.get(placementKey) ?? explainWaiting(groups, placementKey, lacking);
    explanations.set(placementKey, explanation);
    return explanation;
  };
  const assignments: Assignment[] = [];
  const waiting = new Map<JobId, Waiting>();
  const recalls = new Set<Callable>();
  /** The last in turn first. */
  const displaceable = [...ahead].toSorted((a, b) => byTurn(b.job, a.job));

  function displaceFor(job: QueuedJob): void {
    const lower = displaceable.find((one) =>
      BANDS[one.job.priority] > BANDS[job.priority] && !recalls.has(one) && fits(job, podsById.get(one.podId), input)
    );
    if (lower) recalls.add(lower);
  }

  for (const job of turns) {
    const kept = avoided(job.id);
    const own = sent.get(job);
    if (own) {
      const pod = podsById.get(own.podId);
      // Who does not answer gives nothing back.
      if (!pod?.accepting) continue;
      // The slot is kept for it until it is back in the queue.
      if (own.isLate || !takesWork(pod) || free.take(job.placementKey, kept) !== null) recalls.add(own);
      continue;
    }
    const place = free.take(job.placementKey, kept) ?? next.take(job.placementKey, kept);
    if (place !== null) {
      assignments.push({ jobId: job.id, ver: job.ver, ...place });
      continue;
    }
    waiting.set(job.id, explain(job.placementKey, kept));
    displaceFor(job);
  }
  return { assignments, recalls: [...recalls], waiting, explain };
}

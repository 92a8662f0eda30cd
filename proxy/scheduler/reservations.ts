/**
 * Slots promised by dispatches that are under way. A pod's own count of free slots follows such an offer sooner or
 * later; until the dispatch settles, whichever of the two counts is lower holds.
 */
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { PlannedPod } from "./pod-groups.ts";

interface PodReservations {
  /** Free slots when the first of the dispatches under way was decided. */
  freeSlots: number;
  underWay: number;
}

export interface Reservations {
  has(jobId: JobId): boolean;
  jobs(): Iterable<JobId>;
  reserve(jobId: JobId, pod: Pick<PlannedPod, "id" | "freeSlots">): void;
  /** The dispatch has settled. */
  release(jobId: JobId): void;
  /** Free slots less those that are promised. */
  freeSlots(pod: Pick<PlannedPod, "id" | "freeSlots">): number;
}

export function createReservations(): Reservations {
  const jobs = new Map<JobId, PodId>();
  const pods = new Map<PodId, PodReservations>();
  return {
    has: (jobId) => jobs.has(jobId),
    jobs: () => jobs.keys(),
    reserve(jobId, pod) {
      const entry = pods.get(pod.id) ?? { freeSlots: pod.freeSlots, underWay: 0 };
      entry.underWay += 1;
      pods.set(pod.id, entry);
      jobs.set(jobId, pod.id);
    },
    release(jobId) {
      const podId = jobs.get(jobId);
      const entry = podId === undefined ? undefined : pods.get(podId);
      if (podId === undefined || !entry) return;
      jobs.delete(jobId);
      entry.underWay -= 1;
      if (entry.underWay === 0) pods.delete(podId);
    },
    freeSlots(pod) {
      const entry = pods.get(pod.id);
      return entry ? Math.max(0, Math.min(pod.freeSlots, entry.freeSlots - entry.underWay)) : pod.freeSlots;
    },
  };
}

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
  /** @param pod null: it goes behind a run, and takes no free slot */
  reserve(jobId: JobId, pod: Pick<PlannedPod, "id" | "freeSlots"> | null): void;
  /** The dispatch has settled. */
  release(jobId: JobId): void;
  /** Free slots less those that are promised. */
  freeSlots(pod: Pick<PlannedPod, "id" | "freeSlots">): number;
}

export function createReservations(): Reservations {
  const jobs = new Map<JobId, PodId | null>();
  const pods = new Map<PodId, PodReservations>();
  return {
    has: (jobId) => jobs.has(jobId),
    reserve(jobId, pod) {
      jobs.set(jobId, pod?.id ?? null);
      if (pod === null) return;
      const entry = pods.get(pod.id) ?? { freeSlots: pod.freeSlots, underWay: 0 };
      entry.underWay += 1;
      pods.set(pod.id, entry);
    },
    release(jobId) {
      const podId = jobs.get(jobId);
      jobs.delete(jobId);
      const entry = podId ? pods.get(podId) : undefined;
      if (!podId || !entry) return;
      entry.underWay -= 1;
      if (entry.underWay === 0) pods.delete(podId);
    },
    freeSlots(pod) {
      const entry = pods.get(pod.id);
      return entry ? Math.max(0, Math.min(pod.freeSlots, entry.freeSlots - entry.underWay)) : pod.freeSlots;
    },
  };
}

/**
 * Offers under way: work that a dispatch is handing to a pod right now. The planner must not count their slots as free,
 * and a beat must not take an attempt for lost whose start the agent has not seen yet.
 */
import type { Slot } from "../../contracts/agent/messages.ts";
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";

interface Entry {
  jobId: JobId;
  /** The agent has accepted it: from its answer on it must know the attempt. */
  accepted: boolean;
  /** The agent's own words have mentioned it, so that its slots count it themselves. */
  observed: boolean;
}

export interface Offer {
  /** The agent has it. The slot stays taken until a slot, report or beat of the agent says so itself. */
  accepted(): void;
  /** It came to nothing, or nobody knows; without `accepted` before, the slot is free again. */
  end(): void;
}

export interface Offers {
  begin(offer: { podId: PodId; attemptId: AttemptId; jobId: JobId }): Offer;
  /** Attempts whose start is unanswered. */
  underWay(podId: PodId): ReadonlySet<AttemptId>;
  hasJob(podId: PodId, jobId: JobId): boolean;
  /** The agent mentioned these attempts. */
  observe(podId: PodId, attemptIds: Iterable<AttemptId>): void;
  /** Call before a beat and the result after its answer: what was accepted before it is told by the beat itself. */
  beatBegins(podId: PodId): () => void;
  /** Slots that would take a start now and that no offer has taken. */
  freeSlots(podId: PodId, slots: readonly Slot[]): number;
}

export function createOffers(): Offers {
  const pods = new Map<PodId, Map<AttemptId, Entry>>();
  const of = (podId: PodId) => {
    const entries = pods.get(podId) ?? new Map<AttemptId, Entry>();
    pods.set(podId, entries);
    return entries;
  };
  return {
    begin({ podId, attemptId, jobId }) {
      const entry: Entry = { jobId, accepted: false, observed: false };
      of(podId).set(attemptId, entry);
      return {
        accepted() {
          entry.accepted = true;
        },
        end() {
          if (!entry.accepted) of(podId).delete(attemptId);
        },
      };
    },
    underWay: (podId) => new Set([...of(podId)].filter(([, entry]) => !entry.accepted).map(([id]) => id)),
    hasJob: (podId, jobId) => [...of(podId).values()].some((entry) => entry.jobId === jobId),
    observe(podId, attemptIds) {
      const entries = of(podId);
      for (const id of attemptIds) {
        const entry = entries.get(id);
        if (entry) entry.observed = true;
      }
    },
    beatBegins(podId) {
      const settled = [...of(podId)].filter(([, entry]) => entry.accepted).map(([id]) => id);
      return () => {
        for (const id of settled) of(podId).delete(id);
      };
    },
    freeSlots(podId, slots) {
      const ready = slots.filter((slot) => slot.ready && slot.attemptId === null).length;
      const taken = [...of(podId).values()].filter((entry) => !entry.observed).length;
      return Math.max(0, ready - taken);
    },
  };
}

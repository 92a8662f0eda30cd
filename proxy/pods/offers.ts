/**
 * Offers under way: work that a dispatch is handing to a pod right now. The planner must not count their slots as free,
 * and a beat must not take an attempt for lost whose start the agent has not seen yet.
 */
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";
import { type OpenOffer, type SaidByAgent, type SlotUse, slotUse } from "./slot-use.ts";

interface Entry extends OpenOffer {
  /** The agent's own words count it: a slot names it, or it is over. */
  observed: boolean;
}

export interface Offer {
  /** The agent has it. Its place stays taken until a slot, report or beat of the agent says so itself. */
  accepted(): void;
  /** It came to nothing, or nobody knows; without `accepted` before, its place is free again. */
  end(): void;
}

export interface NewOffer {
  podId: PodId;
  attemptId: AttemptId;
  jobId: JobId;
  /** Whose slot it is to have next; null: a free one. */
  after: AttemptId | null;
}

export interface Offers {
  begin(offer: NewOffer): Offer;
  /** Attempts whose start is unanswered. */
  underWay(podId: PodId): ReadonlySet<AttemptId>;
  hasJob(podId: PodId, jobId: JobId): boolean;
  /** The agent's slots name these attempts. */
  observe(podId: PodId, attemptIds: Iterable<AttemptId>): void;
  /** The agent's ComfyUI is done with it, or never had it. */
  over(podId: PodId, attemptId: AttemptId): void;
  /** Call before a beat and the result after its answer: what was accepted before it is told by the beat itself. */
  beatBegins(podId: PodId): () => void;
  /** Who has the slots by the agent's last words, and by the offers that it has not spoken of. */
  slotUse(podId: PodId, said: SaidByAgent): SlotUse;
}

/** @param freed told when a place that an offer had taken may be another's: nothing that an agent said last shows it */
export function createOffers(freed: (podId: PodId) => void): Offers {
  const pods = new Map<PodId, Map<AttemptId, Entry>>();
  const of = (podId: PodId) => {
    const entries = pods.get(podId) ?? new Map<AttemptId, Entry>();
    pods.set(podId, entries);
    return entries;
  };
  return {
    begin({ podId, ...offer }) {
      const entry: Entry = { ...offer, accepted: false, observed: false };
      of(podId).set(entry.attemptId, entry);
      return {
        accepted() {
          entry.accepted = true;
        },
        end() {
          if (!entry.accepted && of(podId).delete(entry.attemptId)) freed(podId);
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
    over(podId, attemptId) {
      const entry = of(podId).get(attemptId);
      if (!entry || entry.observed) return;
      entry.observed = true;
      freed(podId);
    },
    beatBegins(podId) {
      const settled = [...of(podId)].filter(([, entry]) => entry.accepted).map(([id]) => id);
      return () => {
        for (const id of settled) of(podId).delete(id);
      };
    },
    slotUse: (podId, said) => slotUse(said, [...of(podId).values()].filter((entry) => !entry.observed)),
  };
}

/**
 * Offers under way: work that a dispatch is handing to a pod right now. The planner must not count their slots as free,
 * and a beat must not take an attempt for lost whose start the agent has not seen yet.
 */
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";
import { type OpenOffer, type SaidByAgent, type SlotUse, slotUse } from "./slot-use.ts";

/** Of one pod, by attempt. */
interface PodOffers {
  all: Map<AttemptId, OpenOffer>;
  /** Those that the agent's own words do not count: no slot names them, and they are not over. The few of a moment. */
  open: Map<AttemptId, OpenOffer>;
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
  const pods = new Map<PodId, PodOffers>();
  const of = (podId: PodId) => {
    const offers = pods.get(podId) ?? { all: new Map(), open: new Map() };
    pods.set(podId, offers);
    return offers;
  };
  function remove(podId: PodId, attemptId: AttemptId): boolean {
    const { all, open } = of(podId);
    open.delete(attemptId);
    return all.delete(attemptId);
  }
  return {
    begin({ podId, ...offer }) {
      const entry: OpenOffer = { ...offer, accepted: false };
      const { all, open } = of(podId);
      all.set(entry.attemptId, entry);
      open.set(entry.attemptId, entry);
      return {
        accepted() {
          entry.accepted = true;
        },
        end() {
          if (!entry.accepted && remove(podId, entry.attemptId)) freed(podId);
        },
      };
    },
    underWay: (podId) => new Set([...of(podId).all].filter(([, entry]) => !entry.accepted).map(([id]) => id)),
    hasJob: (podId, jobId) => [...of(podId).all.values()].some((entry) => entry.jobId === jobId),
    observe(podId, attemptIds) {
      const { open } = of(podId);
      for (const id of attemptIds) open.delete(id);
    },
    over(podId, attemptId) {
      if (of(podId).open.delete(attemptId)) freed(podId);
    },
    beatBegins(podId) {
      const settled = [...of(podId).all].filter(([, entry]) => entry.accepted).map(([id]) => id);
      return () => {
        for (const id of settled) remove(podId, id);
      };
    },
    slotUse: (podId, said) => slotUse(said, [...of(podId).open.values()]),
  };
}

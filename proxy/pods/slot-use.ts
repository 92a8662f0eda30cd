/**
 * Who has a pod's slots, and who waits for one: what the agent said last, and the offers that it has not spoken of yet.
 * Pure. An offer behind an attempt that is over has that attempt's slot, without a word of the agent.
 */
import type { Slot } from "../../contracts/agent/messages.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { LivePod, LookAhead } from "./port.ts";

/** An offer that no slot names and that is not known to be over. */
export interface OpenOffer extends LookAhead {
  /** Whose slot it is to have next; null: a free one. */
  after: AttemptId | null;
  /** The agent has it. */
  accepted: boolean;
}

export interface SaidByAgent {
  slots: readonly Slot[];
  /** Attempts that it has accepted and that had no slot then. */
  waiting: readonly LookAhead[];
}

export type SlotUse = Pick<LivePod, "freeSlots" | "mayFollow" | "ahead">;

export function slotUse({ slots, waiting }: SaidByAgent, offers: readonly OpenOffer[]): SlotUse {
  const holders = new Set(slots.flatMap((slot) => slot.attemptId ?? []));
  const open = offers.filter(({ attemptId }) => !holders.has(attemptId));
  const openIds = new Set(open.map(({ attemptId }) => attemptId));
  const isBehind = ({ after }: OpenOffer) => after !== null && (holders.has(after) || openIds.has(after));
  const behind = open.filter(isBehind);
  const withSlot = open.filter((offer) => !isBehind(offer));
  const followed = new Set(behind.map(({ after }) => after));
  const heads = [...holders, ...withSlot.filter(({ accepted }) => accepted).map(({ attemptId }) => attemptId)];
  const unfollowed = heads.filter((attemptId) => !followed.has(attemptId));
  // Orders of an earlier edge, or from before the last beat: nobody says any more behind whom they wait.
  const others = waiting.filter(({ attemptId }) => !holders.has(attemptId) && !openIds.has(attemptId));
  const ready = slots.filter((slot) => slot.ready && slot.attemptId === null).length;
  const aboutToStart = Math.max(0, others.length - unfollowed.length);
  return {
    freeSlots: Math.max(0, ready - withSlot.length - aboutToStart),
    mayFollow: unfollowed.slice(others.length),
    ahead: [...behind.filter(({ accepted }) => accepted), ...others].map(({ attemptId, jobId }) => ({
      attemptId,
      jobId,
    })),
  };
}

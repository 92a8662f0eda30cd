/** Where an order comes to stand: at once in the free slot, or behind the one run that it names. */
import type { AttemptId } from "../../contracts/ids.ts";
import { slotBusy } from "./attempt-errors.ts";
import type { AttemptEntry } from "./entry.ts";

/** @throws FleetError `slot_busy` */
export function mustWait(entries: Iterable<AttemptEntry>, after: AttemptId | null): boolean {
  const holding = [...entries].filter((entry) => entry.holdsSlot);
  const holder = holding[0];
  if (!holder) return false;
  if (holding.length > 1 || holder.id !== after) throw slotBusy(holder.id);
  return true;
}

/** A cancel that is answered and comes to nothing, as when it arrives just before the run clears its flag. */
import type { Armed, Fault } from "./fault.ts";

const lost = new WeakMap<Armed, number>();

/** How many are lost: 1 by default. */
function countOf({ argument }: Armed): number {
  if (argument === "all") return Number.POSITIVE_INFINITY;
  return argument === null ? 1 : Number(argument);
}

export const lostCancel: Fault = {
  name: "lost-cancel",
  summary: "so many cancels of a running prompt are answered as ever and come to nothing; argument: N (1) or all",
  refuses: (argument) =>
    argument === null || argument === "all" || /^\d{1,6}$/.test(argument)
      ? null
      : `"${argument}" is no number of cancels: use N or all`,
  losesCancel(armed) {
    const before = lost.get(armed) ?? 0;
    if (before >= countOf(armed)) return false;
    lost.set(armed, before + 1);
    return true;
  },
};

/** For a while nothing that can be asked knows a prompt: `{}` from the history, 404 from the jobs, not in the queue. */
import { parseDuration } from "./duration.ts";
import type { Fault } from "./fault.ts";

const DEFAULT_MS = 300;
const SYNTAX = "submit, run or end, then :Nms (300ms) or :ever";

interface Gap {
  readonly from: "submit" | "run" | "end";
  readonly lengthMs: number;
}

function parseGap(argument: string | null): Gap | null {
  const [, from, length = `${DEFAULT_MS}ms`] = /^(submit|run|end)(?::(.+))?$/.exec(argument ?? "end") ?? [];
  if (from !== "submit" && from !== "run" && from !== "end") return null;
  const lengthMs = length === "ever" ? Number.POSITIVE_INFINITY : parseDuration(length);
  return lengthMs === null ? null : { from, lengthMs };
}

export const emptyHistory: Fault = {
  name: "empty-history",
  summary: `nothing knows a prompt for a while after it was taken, began or ended; argument: ${SYNTAX}`,
  refuses: (argument) => parseGap(argument) === null ? `"${argument}" is no gap: use ${SYNTAX}` : null,
  forgets({ argument, surface }, promptId) {
    const gap = parseGap(argument);
    const ages = surface.agesOf(promptId);
    if (gap === null || ages === null) return false;
    const { submit, run, end } = {
      submit: ages.takenMs,
      run: ages.endedMs === null ? ages.begunMs : null,
      end: ages.endedMs,
    };
    const sinceMs = { submit, run, end }[gap.from];
    return sinceMs !== null && sinceMs < gap.lengthMs;
  },
};

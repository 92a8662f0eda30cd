/**
 * When an edge is told of an attempt: at once of its end, as soon as there is nothing else to do that its slot is free, a
 * little later of what the edge knows from its own call. A run of milliseconds is then told by its end alone.
 */
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { Clock } from "../comfy/clock.ts";

/** How long the beginning of an attempt is held back. */
const QUIET_MS = 25;

export interface QuietReports {
  add(report: AttemptReport): void;
}

/** @param stop ends the waiting; what is held back is told then */
export function createQuietReports(
  clock: Clock,
  tell: (report: AttemptReport) => void,
  stop: AbortSignal,
): QuietReports {
  /** The newest of each attempt. */
  const held = new Map<AttemptId, AttemptReport>();

  async function tellAfter(ms: number, attemptId: AttemptId): Promise<void> {
    await clock.sleep(ms, stop);
    const report = held.get(attemptId);
    held.delete(attemptId);
    if (report !== undefined) tell(report);
  }

  return {
    add(report) {
      const { attemptId, state } = report;
      const isNew = !held.has(attemptId);
      if (isAttemptFinal(state)) {
        held.delete(attemptId);
        tell(report);
        return;
      }
      held.set(attemptId, report);
      // Small outputs are taken in this very turn, and then there is an end to tell.
      if (state === "collecting") void tellAfter(0, attemptId);
      else if (isNew) void tellAfter(QUIET_MS, attemptId);
    },
  };
}

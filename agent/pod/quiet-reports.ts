/**
 * When an edge is told of an attempt: at once of what it waits for, a little later of what it knows from its own call. A run
 * of milliseconds is then told by its end alone.
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
  const quiet = new Map<AttemptId, AttemptReport>();
  let isWaiting = false;

  async function tellLater(): Promise<void> {
    if (isWaiting) return;
    isWaiting = true;
    await clock.sleep(QUIET_MS, stop);
    isWaiting = false;
    const reports = [...quiet.values()];
    quiet.clear();
    for (const report of reports) tell(report);
  }

  return {
    add(report) {
      if (report.state === "collecting" || isAttemptFinal(report.state)) {
        quiet.delete(report.attemptId);
        tell(report);
      } else {
        quiet.set(report.attemptId, report);
        void tellLater();
      }
    },
  };
}

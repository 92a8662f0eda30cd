/**
 * Attempts whose reports cannot be read. The agent holds them, so that they are not lost at once; but nobody will ever
 * learn how they end, so that they are given up after the same time as a pod that says nothing at all.
 */
import type { UnreadableReport } from "../../contracts/agent/received.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";

export interface Unreadable {
  /** Call with every beat's. Answers those that are still to be taken for held. */
  note(reports: readonly UnreadableReport[]): ReadonlySet<AttemptId>;
}

export function createUnreadable(
  { clock, logger, patienceMs }: { clock: Clock; logger: Logger; patienceMs: number },
): Unreadable {
  let sinceMs: ReadonlyMap<AttemptId | null, number> = new Map();
  return {
    note(reports) {
      const nowMs = clock.monotonicMs();
      const next = new Map<AttemptId | null, number>();
      for (const { attemptId, error } of reports) {
        const first = sinceMs.get(attemptId);
        if (first === undefined) {
          const [issue] = error.issues;
          const why = issue && `${issue.path.join(".")}: ${issue.message}`;
          logger.warn("report not understood: run the same version of edge and agent", { attempt: attemptId, why });
        }
        next.set(attemptId, first ?? nowMs);
      }
      sinceMs = next;
      const spared = [...next].filter(([, firstMs]) => nowMs - firstMs < patienceMs);
      return new Set(spared.flatMap(([attemptId]) => attemptId ?? []));
    },
  };
}

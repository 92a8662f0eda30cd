/** What a beat's answer means for the attempts: which are lost, which reports to settle, which nobody wants any more. */
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { AttemptId, BootId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { AttemptRow, JobStore } from "../store/job-store.ts";

/** What the edge held when the beat was sent: later starts are none of this answer's business. */
export interface HeldAttempts {
  /** Attempts that the store holds live for the pod. */
  live: AttemptRow[];
  /** Those of them, and others, whose start was unanswered. */
  underWay: ReadonlySet<AttemptId>;
}

/** Why an attempt that the agent does not hold is gone. */
export type LossReason = "pod_restarted" | "unknown_to_agent";

/** Held attempts that the agent lacks; `spared` are those it named without being understood. Pure. */
export function lostAttempts(
  held: HeldAttempts,
  answer: { bootId: BootId; attempts: readonly AttemptReport[] },
  spared: ReadonlySet<AttemptId>,
): { row: AttemptRow; reason: LossReason }[] {
  const reported = new Set(answer.attempts.map((report) => report.attemptId));
  return held.live
    .filter((row) => !reported.has(row.id) && !spared.has(row.id) && !held.underWay.has(row.id))
    .map((row) => ({ row, reason: row.bootId === answer.bootId ? "unknown_to_agent" : "pod_restarted" }));
}

/**
 * Attempts at work on the pod whose job is over, or that this fleet's store never saw: they are to be canceled. One that
 * was given up for lost stays while its job is open, because its result may still be the first.
 */
export async function unwantedAttempts(
  store: Pick<JobStore, "getAttempt">,
  held: HeldAttempts,
  attempts: readonly AttemptReport[],
): Promise<AttemptId[]> {
  const ours = new Set(held.live.map((row) => row.id));
  const unwanted: AttemptId[] = [];
  for (const report of attempts) {
    if (isAttemptFinal(report.state) || ours.has(report.attemptId) || held.underWay.has(report.attemptId)) continue;
    const row = await store.getAttempt(report.attemptId);
    if (row === null || isTerminal(row.jobState)) unwanted.push(report.attemptId);
  }
  return unwanted;
}

/** The job's life as data: which state may follow which. The store enforces it by compare-and-set. */
import { z } from "zod";

/** States a caller sees. `assigned` (a pod is chosen but has not accepted yet) is internal and shows as `queued`. */
export const JobState = z.enum(["queued", "running", "canceling", "succeeded", "failed", "canceled", "expired"]);
export type JobState = z.infer<typeof JobState>;

/** States the store keeps. */
export type StoredJobState = JobState | "assigned";

/**
 * `running → queued` is a lost attempt: progress restarts, and events carry the attempt's number.
 * `queued → succeeded` is the late result of an attempt that was given up for lost: the first valid result wins. Its late
 * failure changes nothing: the next attempt may do better.
 */
export const JOB_TRANSITIONS: Readonly<Record<StoredJobState, readonly StoredJobState[]>> = {
  queued: ["assigned", "canceled", "expired", "succeeded"],
  assigned: ["running", "queued", "canceling", "succeeded", "failed"],
  running: ["succeeded", "failed", "canceling", "queued"],
  canceling: ["canceled", "succeeded", "failed"],
  succeeded: [],
  failed: [],
  canceled: [],
  expired: [],
};

export function canTransition(from: StoredJobState, to: StoredJobState): boolean {
  return JOB_TRANSITIONS[from].includes(to);
}

/** Terminal states are final: nothing leads out of them. */
export function isTerminal(state: StoredJobState): boolean {
  return JOB_TRANSITIONS[state].length === 0;
}

/** The state a caller is shown. */
export function visibleState(state: StoredJobState): JobState {
  return state === "assigned" ? "queued" : state;
}

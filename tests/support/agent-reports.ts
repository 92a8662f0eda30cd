/** What a scripted agent says about its attempts and itself. */
import { typeid } from "typeid-js";
import type { AttemptReport, StartAttempt } from "../../contracts/attempt.ts";
import { AttemptId } from "../../contracts/ids.ts";
import type { Condition } from "../../contracts/pod.ts";

export function readyCondition(status: Condition["status"] = "true"): Condition {
  return {
    type: "ComfyReady",
    status,
    reason: "Test",
    message: "As the test says.",
    since: "2026-01-01T00:00:00.000Z",
  };
}

/** A report of an accepted order in the given state; the times are a second apart. */
export function reportOf(
  order: Pick<StartAttempt, "attemptId" | "jobId" | "no">,
  state: AttemptReport["state"],
  change: Partial<AttemptReport> = {},
): AttemptReport {
  const revs: Record<AttemptReport["state"], number> = {
    accepted: 0,
    running: 1,
    collecting: 2,
    succeeded: 3,
    failed: 3,
    canceled: 3,
    lost: 3,
  };
  return {
    attemptId: order.attemptId,
    jobId: order.jobId,
    no: order.no,
    state,
    rev: revs[state],
    cancelRequested: false,
    acceptedAt: "2026-01-01T00:00:00.000Z",
    startedAt: revs[state] >= 1 ? "2026-01-01T00:00:01.000Z" : null,
    executedAt: revs[state] >= 2 ? "2026-01-01T00:00:02.000Z" : null,
    finishedAt: revs[state] >= 3 ? "2026-01-01T00:00:03.000Z" : null,
    progress: null,
    outputs: [],
    cached: false,
    error: null,
    ...change,
  };
}

/** A new id for an attempt that no store knows. */
export function strangeAttemptId(): AttemptId {
  return AttemptId.parse(typeid("att").toString());
}

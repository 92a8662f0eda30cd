/** A stored job as its owner sees it. */
import { toTimestamp } from "../../contracts/ids.ts";
import { visibleState } from "../../contracts/job-state.ts";
import type { Job, Waiting } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";
import type { JobRow } from "../store/job-store.ts";

export interface JobViewContext {
  /** What the planner last said about this job, or null. */
  waiting: Waiting | null;
  progress: Progress | null;
  nowMs: number;
  /** How long final jobs are kept. */
  jobRetentionMs: number;
}

function timestamp(epochMs: number | null): string | null {
  return epochMs === null ? null : toTimestamp(epochMs);
}

/** Why the job is not running, for a job that shows as queued. */
function waitingOf(row: JobRow, { waiting, nowMs }: JobViewContext): Waiting | null {
  if (row.state === "assigned") {
    return waiting ?? { reason: "starting", message: "A pod was chosen and is being given the job." };
  }
  if (row.state !== "queued") return null;
  if (row.runAfterMs > nowMs) {
    const seconds = Math.ceil((row.runAfterMs - nowMs) / 1000);
    return { reason: "retrying", message: `The last attempt was lost; the next one starts in ${seconds} s.` };
  }
  return waiting ?? { reason: "starting", message: "The job was accepted and is about to be looked at." };
}

export function jobView(row: JobRow, context: JobViewContext): Job {
  const runs = row.state === "running" || row.state === "canceling";
  return {
    id: row.id,
    tenantId: row.tenantId,
    kind: row.service === null ? "workflow" : "service",
    service: row.service,
    retryOf: row.retryOf,
    state: visibleState(row.state),
    priority: row.priority,
    metadata: row.metadata,
    ver: row.ver,
    attempt: row.attempt,
    losses: row.losses,
    podId: row.podId,
    createdAt: toTimestamp(row.createdAtMs),
    startedAt: timestamp(row.startedAtMs),
    completedAt: timestamp(row.completedAtMs),
    expiresAt: toTimestamp((row.completedAtMs ?? context.nowMs) + context.jobRetentionMs),
    startBy: timestamp(row.startByMs),
    cancelRequested: row.cancelRequested,
    waiting: waitingOf(row, context),
    progress: runs ? context.progress : null,
    outputs: row.outputs,
    error: row.error,
    receipt: row.receipt,
  };
}

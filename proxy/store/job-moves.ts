/**
 * What each transition does to a job, as pure decisions: the job as it is and what happened → the job as it will be, or
 * null when its guard does not hold. No time passes and nothing is read here; `job-writes.ts` carries a move out.
 */
import type { Output } from "../../contracts/asset.ts";
import type { PodId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Receipt } from "../../contracts/receipt.ts";
import type { JobRow } from "./job-store.ts";

export interface Move {
  /** The job afterwards; its `ver` is the writer's business. */
  next: JobRow;
  /** Number of the attempt that the event speaks of. */
  attempt: number;
  /** What the event says to people: why, in one word, where there is a why. */
  reason: string | null;
}

/** A started job is past its start deadline for good, whatever becomes of its attempts. */
function isPastStartBy(job: JobRow, nowMs: number): boolean {
  return job.startByMs !== null && job.startedAtMs === null && job.startByMs <= nowMs;
}

function isCurrent(job: JobRow, no: number): boolean {
  return no >= 1 && job.attempt === no;
}

/** Whether this attempt is the one that the job's work is done by now. */
export function isAtWork(job: JobRow, no: number): boolean {
  return (job.state === "running" || job.state === "canceling") && isCurrent(job, no);
}

/** queued, may run now, not expired → assigned. */
export function assignMove(job: JobRow, input: { ver: number; podId: PodId }, nowMs: number): Move | null {
  if (job.state !== "queued" || job.ver !== input.ver || job.runAfterMs > nowMs || isPastStartBy(job, nowMs)) {
    return null;
  }
  const attempt = job.attempt + 1;
  return { next: { ...job, state: "assigned", attempt, podId: input.podId }, attempt, reason: null };
}

/** assigned, current attempt → running. */
export function startMove(job: JobRow, no: number, nowMs: number): Move | null {
  if (job.state !== "assigned" || !isCurrent(job, no)) return null;
  return {
    next: { ...job, state: "running", startedAtMs: job.startedAtMs ?? nowMs },
    attempt: no,
    reason: null,
  };
}

/** Not final → succeeded, whichever attempt it comes from. */
export function completeMove(
  job: JobRow,
  result: { no: number; outputs: Output[]; receipt: Receipt },
  nowMs: number,
): Move | null {
  if (isTerminal(job.state)) return null;
  return {
    next: {
      ...job,
      state: "succeeded",
      winner: result.no,
      outputs: result.outputs,
      receipt: result.receipt,
      completedAtMs: nowMs,
    },
    attempt: result.no,
    reason: null,
  };
}

/** Current live attempt, not final → failed. A queued job has none: its last attempt was given up or given back. */
export function failMove(
  job: JobRow,
  failure: { no: number; error: JobError; receipt: Receipt | null },
  nowMs: number,
): Move | null {
  if (isTerminal(job.state) || job.state === "queued" || !isCurrent(job, failure.no)) return null;
  return {
    next: { ...job, state: "failed", error: failure.error, receipt: failure.receipt, completedAtMs: nowMs },
    attempt: failure.no,
    reason: failure.error.code,
  };
}

/**
 * Current live attempt: canceling → canceled; assigned | running → queued later, or failed when it was one too many. The
 * next attempt begins with no outputs; a job that ends here keeps those that are home.
 */
export function loseMove(
  job: JobRow,
  loss: { no: number; reason: string; countLoss: boolean; retryInMs: number; maxLosses: number },
  nowMs: number,
): Move | null {
  if (!isCurrent(job, loss.no)) return null;
  const losses = job.losses + (loss.countLoss ? 1 : 0);
  switch (job.state) {
    case "canceling":
      return {
        next: { ...job, state: "canceled", losses, completedAtMs: nowMs },
        attempt: loss.no,
        reason: loss.reason,
      };
    case "assigned":
    case "running":
      if (losses > loss.maxLosses) {
        const next: JobRow = { ...job, state: "failed", losses, error: lostError(losses, loss), completedAtMs: nowMs };
        return { next, attempt: loss.no, reason: "pod_lost" };
      }
      return {
        next: { ...job, state: "queued", losses, runAfterMs: nowMs + loss.retryInMs, outputs: [] },
        attempt: loss.no,
        reason: loss.reason,
      };
    case "queued":
    case "succeeded":
    case "failed":
    case "canceled":
    case "expired":
      return null;
  }
}

function lostError(losses: number, loss: { reason: string }): JobError {
  return {
    code: "pod_lost",
    message: `Cannot finish the job: ${losses} of its attempts were lost, the last one by ${loss.reason}`,
    hint: "Look at the pods it ran on (pods.list), then submit it again.",
  };
}

/** queued → canceled; assigned | running → canceling. */
export function cancelMove(job: JobRow, nowMs: number): Move | null {
  const asked: JobRow = { ...job, cancelRequested: true };
  switch (job.state) {
    case "queued":
      return { next: { ...asked, state: "canceled", completedAtMs: nowMs }, attempt: job.attempt, reason: null };
    case "assigned":
    case "running":
      return { next: { ...asked, state: "canceling" }, attempt: job.attempt, reason: null };
    case "canceling":
    case "succeeded":
    case "failed":
    case "canceled":
    case "expired":
      return null;
  }
}

/** canceling, current attempt → canceled. */
export function confirmCanceledMove(job: JobRow, no: number, nowMs: number): Move | null {
  if (job.state !== "canceling" || !isCurrent(job, no)) return null;
  return { next: { ...job, state: "canceled", completedAtMs: nowMs }, attempt: no, reason: null };
}

/** queued, never started, past its start deadline → expired. */
export function expireMove(job: JobRow, nowMs: number): Move | null {
  if (job.state !== "queued" || !isPastStartBy(job, nowMs)) return null;
  return { next: { ...job, state: "expired", completedAtMs: nowMs }, attempt: job.attempt, reason: null };
}

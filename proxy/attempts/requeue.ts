/** Puts a job whose attempt came to nothing back into the queue, and tells whoever waits for that. */
import type { JobId } from "../../contracts/ids.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { Signals } from "../signals.ts";
import type { JobStore, Transition } from "../store/job-store.ts";
import type { AttemptTimings } from "./timings.ts";

export interface RequeueOptions {
  store: Pick<JobStore, "getJob" | "countUnstarted" | "loseAttempt">;
  signals: Signals;
  clock: Clock;
  timings: AttemptTimings;
  /** Ends with the edge. */
  signal: AbortSignal;
}

/** Nothing for the first loss, then doubling: a job that kills its pods must not walk through the whole fleet. */
async function lossPauseMs(options: RequeueOptions, jobId: JobId): Promise<number> {
  const { clock, timings } = options;
  const losses = (await options.store.getJob(jobId))?.losses ?? 0;
  if (losses === 0) return 0;
  return Math.round(backoffMs(clock, losses, { firstMs: timings.lossFirstMs, maxMs: timings.lossMaxMs }));
}

/** A pod that says no to everything is asked less and less often; a start that succeeds begins anew. */
async function giveBackPauseMs({ store, clock, timings }: RequeueOptions, jobId: JobId): Promise<number> {
  const inARow = Math.max(1, await store.countUnstarted(jobId));
  return Math.round(backoffMs(clock, inARow, { firstMs: timings.giveBackFirstMs, maxMs: timings.giveBackMaxMs }));
}

export interface WhyRequeued {
  /** In one word. */
  reason: string;
  /** Infrastructure took it away; otherwise the pod gave it back unharmed. */
  countLoss: boolean;
  /** This edge called it back: nobody is to be spared by a pause. Default: false. */
  recalled?: boolean;
}

/** @throws what the store throws */
export async function requeue(
  options: RequeueOptions,
  { jobId, no }: { jobId: JobId; no: number },
  { reason, countLoss, recalled = false }: WhyRequeued,
): Promise<Transition> {
  const { store, signals, clock, timings, signal } = options;
  const pauseMs = countLoss ? lossPauseMs : giveBackPauseMs;
  const retryInMs = recalled ? 0 : await pauseMs(options, jobId);
  const moved = await store.loseAttempt({ jobId, no, reason, countLoss, retryInMs, maxLosses: timings.maxLosses });
  if (moved.status !== "done") return moved;
  signals.emit("job", moved.job);
  if (moved.job.state !== "queued") return moved;
  signals.emit("queue", undefined);
  if (retryInMs > 0) {
    void clock.sleep(retryInMs, signal).then(() => {
      if (!signal.aborted) signals.emit("queue", undefined);
    });
  }
  return moved;
}

/**
 * Who waits for the end of a job: a map entry each, whoever they are. The signal of its end wakes them at once and brings
 * the job, which never changes again; behind it one read for all of them, every poll, finds what no signal told of.
 */
import type { JobId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { Signals } from "../signals.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Clock } from "../time/clock.ts";

export interface FinalsOptions {
  store: Pick<JobStore, "findFinal">;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  /** Longest time until a missed signal is made up for. */
  pollMs: number;
}

export interface Finals {
  /**
   * Resolves when the job is final, after `ms`, or when the signal aborts; never rejects.
   * @returns the final job where its end was signalled; null: what became of it is in the store
   */
  wait(jobId: JobId, ms: number, signal: AbortSignal): Promise<JobRow | null>;
}

export function createFinals({ store, signals, clock, logger, pollMs }: FinalsOptions): Finals {
  const waiting = new Map<JobId, Set<(final: JobRow | null) => void>>();
  let isPolling = false;

  function wakeAll(jobId: JobId, final: JobRow | null): void {
    for (const wake of waiting.get(jobId) ?? []) wake(final);
  }

  async function look(jobIds: readonly JobId[]): Promise<void> {
    for (const jobId of await store.findFinal(jobIds)) wakeAll(jobId, null);
  }

  /** Runs while anybody waits. */
  async function poll(): Promise<void> {
    if (isPolling) return;
    isPolling = true;
    const forEver = new AbortController().signal;
    let failures = 0;
    await clock.sleep(pollMs, forEver);
    while (waiting.size > 0) {
      try {
        await look([...waiting.keys()]);
        failures = 0;
      } catch (error) {
        failures += 1;
        logger.warn("ends of jobs cannot be read", { jobs: waiting.size, error });
      }
      await clock.sleep(failures > 0 ? backoffMs(clock, failures, { firstMs: pollMs, maxMs: 5_000 }) : pollMs, forEver);
    }
    isPolling = false;
  }

  signals.on("job", (job) => {
    if (isTerminal(job.state)) wakeAll(job.id, job);
  });

  return {
    async wait(jobId, ms, signal) {
      const woken = new AbortController();
      let found: JobRow | null = null;
      const wake = (final: JobRow | null) => {
        found ??= final;
        // A reason of our own: without one each end would build a DOMException with its stack.
        woken.abort("final");
      };
      const stop = () => wake(null);
      const own = waiting.get(jobId) ?? new Set();
      waiting.set(jobId, own.add(wake));
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      // It may have ended between the caller's look at it and this moment.
      look([jobId]).catch((error: unknown) => logger.warn("end of a job cannot be read", { job: jobId, error }));
      void poll();
      await clock.sleep(ms, woken.signal);
      signal.removeEventListener("abort", stop);
      own.delete(wake);
      if (own.size === 0) waiting.delete(jobId);
      return found;
    },
  };
}

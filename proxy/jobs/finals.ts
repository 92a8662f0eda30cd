/**
 * Who waits for the end of a job: a map entry each, whoever they are. The signal of its end wakes them at once and brings
 * the job, which never changes again; behind it one read for all of them, every poll, finds what no signal told of.
 */
import type { JobId } from "../../contracts/ids.ts";
import { isTerminal, visibleState } from "../../contracts/job-state.ts";
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

export interface FinalWait {
  /** Longest time to wait. */
  ms: number;
  signal: AbortSignal;
  /** Reads the job. Called once it is waited for, so that its end is either read or heard of. */
  look: () => Promise<JobRow>;
}

export interface Finals {
  /**
   * Resolves when the job is final, after `ms`, or when the signal aborts.
   * @returns the final job where it was read or its end was signalled; null: what became of it is in the store
   * @throws what `look` throws
   */
  wait(jobId: JobId, wait: FinalWait): Promise<JobRow | null>;
}

export function createFinals({ store, signals, clock, logger, pollMs }: FinalsOptions): Finals {
  const waiting = new Map<JobId, Set<(final: JobRow | null) => void>>();
  let isPolling = false;

  function wakeAll(jobId: JobId, final: JobRow | null): void {
    for (const wake of waiting.get(jobId) ?? []) wake(final);
  }

  async function lookAtAll(): Promise<void> {
    for (const jobId of await store.findFinal([...waiting.keys()])) wakeAll(jobId, null);
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
        await lookAtAll();
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
    async wait(jobId, { ms, signal, look }) {
      const woken = Promise.withResolvers<JobRow | null>();
      const wake = woken.resolve;
      const stop = () => wake(null);
      const own = waiting.get(jobId) ?? new Set();
      waiting.set(jobId, own.add(wake));
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      let callOff = () => {};
      try {
        const row = await look();
        if (isTerminal(visibleState(row.state))) return row;
        void poll();
        callOff = clock.after(ms, stop);
        return await woken.promise;
      } finally {
        callOff();
        signal.removeEventListener("abort", stop);
        own.delete(wake);
        if (own.size === 0) waiting.delete(jobId);
      }
    },
  };
}

/**
 * The one live stream of a job's current attempt, opened to its pod while somebody watches. A pod that cannot be
 * reached is tried again with backoff for as long: what became of the attempt is told by the job's lifecycle, never
 * from here.
 */
import { type AttemptEvent, isAttemptFinal } from "../../contracts/attempt.ts";
import type { JobId } from "../../contracts/ids.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { Agents } from "../pods/port.ts";
import type { JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface AttemptTarget {
  jobId: JobId;
  /** Number of the attempt within its job. */
  no: number;
  previews: boolean;
}

export interface AttemptFeed {
  /** Watches this attempt from now on, or none. Aiming at the same one again changes nothing. */
  aim(target: AttemptTarget | null): void;
}

export interface AttemptFeedOptions {
  store: Pick<JobStore, "listAttempts">;
  agents: Pick<Agents, "watchAttempt">;
  clock: Clock;
  logger: Logger;
  /** How long an attempt is left alone before its stream is opened. */
  openAfterMs: number;
  onEvent: (target: AttemptTarget, event: AttemptEvent) => void;
}

const REOPEN = { firstMs: 250, maxMs: 5_000 };

function sameTarget(a: AttemptTarget | null, b: AttemptTarget | null): boolean {
  return a?.jobId === b?.jobId && a?.no === b?.no && a?.previews === b?.previews;
}

export function createAttemptFeed(options: AttemptFeedOptions): AttemptFeed {
  const { store, agents, clock, logger, openAfterMs, onEvent } = options;
  let current: { target: AttemptTarget; stop: AbortController } | null = null;

  /** One connection. True when the attempt has said its last word. @throws what the store throws */
  async function readOnce(target: AttemptTarget, signal: AbortSignal, onAlive: () => void): Promise<boolean> {
    const attempt = (await store.listAttempts(target.jobId)).find(({ no }) => no === target.no);
    if (attempt === undefined) return true;
    const { id: attemptId, podId } = attempt;
    try {
      for await (const event of agents.watchAttempt({ podId, attemptId, previews: target.previews }, signal)) {
        if (signal.aborted) return true;
        onAlive();
        onEvent(target, event);
        if (event.type === "report" && isAttemptFinal(event.report.state)) return true;
      }
    } catch (error) {
      if (!signal.aborted) logger.debug("attempt stream cut", { attempt: attemptId, pod: podId, error });
    }
    return false;
  }

  /** Never rejects. */
  async function follow(target: AttemptTarget, signal: AbortSignal): Promise<void> {
    // Most of the cost of watching a short run would be a stream that has nothing left to tell.
    if (openAfterMs > 0) await clock.sleep(openAfterMs, signal);
    let failures = 0;
    const onAlive = () => {
      failures = 0;
    };
    while (!signal.aborted) {
      try {
        if (await readOnce(target, signal, onAlive)) return;
      } catch (error) {
        if (!signal.aborted) logger.warn("attempt cannot be read", { job: target.jobId, no: target.no, error });
      }
      failures += 1;
      await clock.sleep(backoffMs(clock, failures, REOPEN), signal);
    }
  }

  return {
    aim(target) {
      if (sameTarget(current?.target ?? null, target)) return;
      current?.stop.abort();
      current = target && { target, stop: new AbortController() };
      if (current) void follow(current.target, current.stop.signal);
    },
  };
}

/**
 * Ends what nobody else ends: queued jobs past their start deadline, and runs far past their cap whose agent, which
 * counts that cap itself, has not said so. A run that is over is none, however long its outputs take to come home. A pod that still works on such a job is told by the next beat.
 * It also removes what is kept no longer.
 */
import type { EdgeId, JobId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { RenderedAttempts } from "../jobs/port.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { Signals } from "../signals.ts";
import type { AssetStore } from "../store/asset-store.ts";
import type { AttemptRow, JobStore } from "../store/job-store.ts";
import type { RoleStore } from "../store/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { removeOld } from "./remove-old.ts";
import { createRole } from "./role.ts";

export interface ReaperOptions {
  store:
    & Pick<JobStore, "expireJobs" | "listLiveAttempts" | "getJob" | "failJob" | "confirmCanceled">
    & Pick<RoleStore, "takeRole">
    & Pick<AssetStore, "removeExpired">
    & { now(): Promise<number> };
  rendered: RenderedAttempts;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  edgeId: EdgeId;
  /** Default 1,000. */
  intervalMs?: number;
  /** Default 5,000. */
  leaseMs?: number;
  /**
   * How long after its cap a run is left to its agent, and how long after an outage nothing is ended. Default 180,000: an
   * agent counts the cap from the moment its ComfyUI is ready, for which it waits 120 s by default.
   */
  graceMs?: number;
}

export interface Reaper {
  start(): void;
  stop(): Promise<void>;
}

const EXPIRE_BATCH = 100;
/** Deadlines are looked at every this many rounds: they are coarse, and reading every live attempt is not free. */
const ROUNDS_PER_DEADLINE_CHECK = 5;

function timeoutError(runWithinMs: number): JobError {
  return {
    code: "timeout",
    message: `Cannot finish job: it ran longer than its ${Math.round(runWithinMs / 1000)} s`,
    hint: "Submit it with a longer runWithinMs, or split the work.",
  };
}

export function createReaper(options: ReaperOptions): Reaper {
  const { store, signals, clock } = options;
  const { intervalMs = 1_000, leaseMs = 5_000, graceMs = 180_000 } = options;
  const logger = options.logger.child("reaper");
  const role = createRole({ store, clock, edgeId: options.edgeId, role: "reaper", leaseMs });
  /** Caps of live jobs; a job's cap never changes. */
  let caps = new Map<JobId, number>();
  let running: { stop: AbortController; done: Promise<void> } | null = null;

  async function expireQueued(): Promise<void> {
    let expired;
    do {
      expired = await store.expireJobs(EXPIRE_BATCH);
      for (const job of expired) {
        logger.info("job expired", { job: job.id, tenant: job.tenantId, trace_id: traceIdOf(job.traceparent) });
        signals.emit("job", job);
      }
    } while (expired.length === EXPIRE_BATCH);
  }

  async function capOf(jobId: JobId): Promise<number | null> {
    const known = caps.get(jobId);
    return known ?? (await store.getJob(jobId))?.runWithinMs ?? null;
  }

  async function endRun(attempt: AttemptRow, runWithinMs: number): Promise<void> {
    const { id, jobId, tenantId, no, podId, jobState } = attempt;
    const moved = jobState === "canceling"
      ? await store.confirmCanceled({ jobId, no })
      : await store.failJob({ jobId, no, error: timeoutError(runWithinMs), receipt: null });
    if (moved.status !== "done") return;
    const unit = {
      job: jobId,
      tenant: tenantId,
      attempt: id,
      no,
      pod: podId,
      trace_id: traceIdOf(attempt.traceparent),
    };
    logger.warn("run ended at its deadline", { ...unit, runWithinMs });
    signals.emit("job", moved.job);
  }

  async function endOverdueRuns(): Promise<void> {
    const nowMs = await store.now();
    const upSinceMs = role.upSinceMs();
    // After an outage of the edge, agents first get the time to report what they finished meanwhile.
    if (upSinceMs === null || nowMs - upSinceMs < graceMs) return;
    const live = new Map<JobId, number>();
    for (const attempt of await store.listLiveAttempts()) {
      const runWithinMs = await capOf(attempt.jobId);
      if (runWithinMs === null) continue;
      live.set(attempt.jobId, runWithinMs);
      const overdue = attempt.startedAtMs !== null && nowMs - attempt.startedAtMs > runWithinMs + graceMs;
      if (overdue && !options.rendered.isRendered(attempt)) {
        await endRun(attempt, runWithinMs);
      }
    }
    caps = live;
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let round = 0; !signal.aborted; round++) {
      let pauseMs = intervalMs;
      try {
        if (await role.hold()) {
          await expireQueued();
          if (round % ROUNDS_PER_DEADLINE_CHECK === 0) await endOverdueRuns();
          await removeOld({ store, clock, logger }, signal);
        }
        failures = 0;
      } catch (error) {
        failures += 1;
        pauseMs = backoffMs(clock, failures, { firstMs: intervalMs, maxMs: 10 * intervalMs });
        logger.error("reaping failed", { error, retryInMs: Math.round(pauseMs) });
      }
      await clock.sleep(pauseMs, signal);
    }
  }

  return {
    start() {
      if (running) return;
      const stop = new AbortController();
      running = { stop, done: run(stop.signal) };
    },
    async stop() {
      running?.stop.abort();
      await running?.done;
    },
  };
}

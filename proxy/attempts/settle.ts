/**
 * The settlement: what agents say about attempts, each said thing acted on once. Reports come twice, late and from two
 * sources; the revision orders them, and only one of an attempt is worked on at a time.
 */
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { LandingResults, RenderedAttempts, Settlement } from "../jobs/port.ts";
import { createEarlyOutputs } from "./early-outputs.ts";
import { createLanding } from "./landing.ts";
import { createRecall } from "./recall.ts";
import { createRelease } from "./release.ts";
import { requeue } from "./requeue.ts";
import { createSettler, type LiveAttempt, type SettleDeps } from "./settle-report.ts";

/** Attempts whose last settled revision is remembered; a forgotten one costs a read. */
const REMEMBERED = 10_000;

/** The last report of an attempt that was acted on. */
interface Settled {
  rev: number;
  /** Set while the attempt goes on: then reports that change no state bring more progress. */
  live: LiveAttempt | null;
}

interface Work {
  latest: AttemptReport;
  done: Promise<void>;
}

/** Per pod: an agent can speak for its own attempts only, not hide another's behind a high revision. */
function keyOf(podId: PodId, attemptId: AttemptId): string {
  return `${podId} ${attemptId}`;
}

export function createSettlement(deps: SettleDeps): Settlement & RenderedAttempts & LandingResults {
  const logger = deps.logger.child("attempts");
  const { agents, clock, timings, lastProgress, signal } = deps;
  const release = createRelease({
    agents,
    clock,
    afterMs: timings.releaseAfterMs,
    timeoutMs: timings.releaseMs,
    logger,
    signal,
  });
  const early = createEarlyOutputs({ ...deps, logger });
  /** Called back, until the agent has said what became of them. */
  const recalled = new Set<AttemptId>();
  const settleReport = createSettler({ ...deps, logger, isRecalled: (id) => recalled.has(id) });
  const takeBack = createRecall({ agents, clock, timings, logger, signal });
  const settled = new Map<string, Settled>();
  const working = new Map<string, Work>();
  /** Those of {@link RenderedAttempts}, oldest first. */
  const rendered = new Set<string>();
  const landing = createLanding(clock);

  function remember(key: string, entry: Settled): void {
    settled.delete(key);
    settled.set(key, entry);
    const [oldest] = settled.keys();
    if (settled.size > REMEMBERED && oldest !== undefined) settled.delete(oldest);
  }

  function noteRendered(key: string, podId: PodId, report: AttemptReport): void {
    const { state } = report;
    landing.heard({ key, podId, report });
    rendered.delete(key);
    if (state === "collecting" || state === "succeeded") rendered.add(key);
    const [oldest] = rendered;
    if (rendered.size > REMEMBERED && oldest !== undefined) rendered.delete(oldest);
  }

  function noteLive(podId: PodId, { live }: Settled, report: AttemptReport): void {
    if (!live) return;
    if (report.progress) lastProgress.set(live.jobId, live.no, report.progress);
    if (!isAttemptFinal(report.state)) early.bring(podId, report);
  }

  /** Settles the latest report until no later one has come meanwhile. */
  async function work(podId: PodId, key: string, first: AttemptReport): Promise<void> {
    let report: AttemptReport | null = first;
    while (report && !signal.aborted) {
      const { attemptId, rev, state }: AttemptReport = report;
      try {
        const end = await settleReport(podId, report);
        if (end === "ignored") landing.ignored({ key, podId, report });
        if (end !== "later") {
          const entry = { rev, live: typeof end === "object" ? end : null };
          remember(key, entry);
          noteLive(podId, entry, report);
        }
        if (end === "settled" && isAttemptFinal(state)) {
          rendered.delete(key);
          release(podId, attemptId);
        }
      } catch (error) {
        if (!signal.aborted) logger.error("settling failed", { attempt: attemptId, pod: podId, error });
      }
      const latest: AttemptReport | undefined = working.get(key)?.latest;
      const next: AttemptReport | null = latest && latest.rev > rev ? latest : null;
      if (next === null) landing.settled({ key, podId, report });
      report = next;
    }
    working.delete(key);
  }

  const settlement: Settlement & RenderedAttempts & LandingResults = {
    begun({ id, podId, jobId, no }) {
      const key = keyOf(podId, id);
      const rev = settled.get(key)?.rev ?? -1;
      if (!working.has(key)) remember(key, { rev, live: { jobId, no } });
    },
    landingFrom: landing.from,
    isRendered: ({ id, podId }) => rendered.has(keyOf(podId, id)),
    settle(podId, report) {
      const key = keyOf(podId, report.attemptId);
      if (isAttemptFinal(report.state)) early.end(podId, report.attemptId);
      const last = settled.get(key);
      if (last && last.rev >= report.rev) {
        noteLive(podId, last, report);
        if (isAttemptFinal(report.state)) release(podId, report.attemptId);
        return Promise.resolve();
      }
      const current = working.get(key);
      if (current) {
        if (report.rev > current.latest.rev) {
          current.latest = report;
          noteRendered(key, podId, report);
        }
        return current.done;
      }
      noteRendered(key, podId, report);
      if (last?.live && !isAttemptFinal(report.state)) {
        remember(key, { rev: report.rev, live: last.live });
        noteLive(podId, last, report);
        return Promise.resolve();
      }
      const entry: Work = { latest: report, done: Promise.resolve() };
      working.set(key, entry);
      entry.done = work(podId, key, report);
      return entry.done;
    },
    async recall({ podId, attemptId }) {
      recalled.add(attemptId);
      try {
        const report = await takeBack(podId, attemptId);
        if (report) await settlement.settle(podId, report);
      } finally {
        recalled.delete(attemptId);
      }
    },
    async lost({ id, jobId, no, podId }, reason) {
      try {
        const moved = await requeue(deps, { jobId, no }, { reason, countLoss: true });
        if (moved.status === "done") {
          if (isTerminal(moved.job.state)) lastProgress.drop(jobId);
          const { tenantId, traceparent, state: jobState } = moved.job;
          const unit = { job: jobId, tenant: tenantId, no, pod: podId, trace_id: traceIdOf(traceparent) };
          logger.info("attempt ended", { ...unit, outcome: "lost", reason, jobState });
        }
      } catch (error) {
        if (!signal.aborted) logger.error("losing the attempt failed", { job: jobId, no, pod: podId, reason, error });
      } finally {
        // What it says late is settled anew, and brings nothing home for an attempt that is over.
        settled.delete(keyOf(podId, id));
        early.end(podId, id);
      }
    },
  };
  return settlement;
}

/** One report of an agent → the transition it stands for. The store's guards decide; whoever comes second changes nothing. */
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import { type ErrorCode, FleetError } from "../../contracts/errors.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Receipt } from "../../contracts/receipt.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { BlobStore } from "../assets/port.ts";
import { jobErrorWithoutKey, type PartnerKeys } from "../jobs/partner-keys.ts";
import type { LastProgress } from "../jobs/last-progress.ts";
import type { Agents } from "../pods/port.ts";
import type { AttemptRow, Transition } from "../store/job-store.ts";
import type { Store } from "../store/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { collectOutputs } from "./collect.ts";
import { createNeedsCache } from "../scheduler/needs-cache.ts";
import { buildReceipt, type ReceiptFacts } from "./receipt.ts";
import { createRecentPods } from "./recent-pods.ts";
import { requeue, type RequeueOptions } from "./requeue.ts";
import { toJobError } from "./start-verdict.ts";

export interface SettleDeps extends RequeueOptions {
  store: Store;
  agents: Agents;
  blobs: BlobStore;
  partnerKeys: PartnerKeys;
  /** Fed with what live attempts report, so that a job's progress shows without a watcher. */
  lastProgress: Pick<LastProgress, "set" | "drop">;
  logger: Logger;
}

interface SettlerDeps extends SettleDeps {
  /** Whether this edge has called the attempt back, so that its end as `canceled` is what was asked for. */
  isRecalled: (attemptId: AttemptId) => boolean;
}

/** An attempt that goes on, as the store knows it. */
export type LiveAttempt = Pick<AttemptRow, "jobId" | "no">;

/**
 * - `settled`: acted on, or of no consequence any more.
 * - `later`: nothing could be done for now; the same report is to be brought again.
 * - `ignored`: not this pod's to say.
 * - the attempt: acted on, and it goes on.
 */
export type SettleEnd = "settled" | "later" | "ignored" | LiveAttempt;

export type SettleReport = (podId: PodId, report: AttemptReport) => Promise<SettleEnd>;

const NO_ERROR: JobError = {
  code: "execution_failed",
  message: "Cannot finish the workflow: the pod gave no reason",
  hint: "Look at the pod's ComfyUI log.",
};

/**
 * The pod is to blame rather than the job, so that another attempt may do better. Not every retryable code: the cap on its
 * run is the job's own, and `internal` may be a newer agent's word for anything.
 */
const POD_FAULTS: ReadonlySet<ErrorCode> = new Set(["gpu_fault", "no_progress", "comfy_unavailable", "pod_lost"]);

/** Why the attempt has ended, in the store: the agent never began with it. */
const RECALLED = "recalled";

/** Whose work a log line is about. */
function unitOf({ id, jobId, tenantId, no, podId, traceparent }: AttemptRow): Record<string, unknown> {
  return { job: jobId, tenant: tenantId, attempt: id, no, pod: podId, trace_id: traceIdOf(traceparent) };
}

/** Ended for the store too; one that it gave up for lost may still bring the first result. */
function hasEnded(row: AttemptRow): boolean {
  switch (row.state) {
    case "succeeded":
    case "failed":
    case "canceled":
    case "superseded":
      return true;
    case "offered":
    case "running":
    case "lost":
      return isTerminal(row.jobState);
  }
}

/** @returns a function that rejects only with what the stores throw */
export function createSettler(deps: SettlerDeps): SettleReport {
  const { store, agents, blobs, partnerKeys, signals, lastProgress, clock, timings, logger, signal } = deps;
  const pods = createRecentPods(deps);
  const needsOf = createNeedsCache(store, { maxKeys: 1_000, maxChars: 4 * 1024 * 1024 });

  /** What the store knows of the attempt's job, pod and needs; null when the job is gone. */
  async function factsOf(row: AttemptRow): Promise<Omit<ReceiptFacts, "attempt" | "report" | "nowMs"> | null> {
    const [job, pod] = await Promise.all([store.getJob(row.jobId), pods.get(row.podId)]);
    if (!job) return null;
    const needs = await needsOf.get(new Set([job.placementKey]));
    // Attempts are numbered without a gap, so that the last one's number is how many there were.
    return { job, attempts: job.attempt, pod, models: needs.get(job.placementKey)?.models ?? [] };
  }

  async function receiptFor(row: AttemptRow, report: AttemptReport, known = factsOf(row)): Promise<Receipt | null> {
    const facts = await known;
    // Its end may overtake the answer to its start.
    const attempt = row.startedAtMs === null ? await store.getAttempt(row.id) ?? row : row;
    return facts && buildReceipt({ ...facts, attempt, report, nowMs: await store.now() });
  }

  function tell(row: AttemptRow, moved: Transition, facts: Record<string, unknown>): void {
    if (moved.status !== "done") return;
    signals.emit("job", moved.job);
    if (isTerminal(moved.job.state)) lastProgress.drop(row.jobId);
    const jobState = moved.job.state;
    logger.info("attempt ended", { ...unitOf(row), jobState, ...facts });
  }

  async function lose(row: AttemptRow, reason: string): Promise<SettleEnd> {
    const moved = await requeue(deps, row, { reason, countLoss: true });
    tell(row, moved, { outcome: "lost", reason });
    return "settled";
  }

  /** Past the bound on losses the job fails with the error itself, which says more than that its attempts were lost. */
  async function failOrRetry(row: AttemptRow, report: AttemptReport, error: JobError): Promise<SettleEnd> {
    const job = await store.getJob(row.jobId);
    const losses = job?.losses ?? 0;
    const again = POD_FAULTS.has(error.code) && losses < Math.min(timings.maxPodFaults, timings.maxLosses);
    if (again) return await lose(row, error.code);
    return await fail(row, report, await jobErrorWithoutKey(partnerKeys, job, error));
  }

  async function fail(row: AttemptRow, report: AttemptReport, error: JobError): Promise<SettleEnd> {
    const receipt = await receiptFor(row, report);
    const moved = await store.failJob({ jobId: row.jobId, no: row.no, error, receipt });
    tell(row, moved, { outcome: "failed", code: error.code, timing: receipt?.timing });
    return "settled";
  }

  /** A failure to bring the outputs home, after all tries that one settlement makes. */
  async function collectFailed(row: AttemptRow, report: AttemptReport, error: FleetError): Promise<SettleEnd> {
    if (error.code === "output_missing") return await lose(row, "output_missing");
    if (error.code === "payload_too_large") return await fail(row, report, toJobError(error));
    logger.warn("outputs not collected", { ...unitOf(row), reason: error.message });
    return "later";
  }

  async function succeed(row: AttemptRow, report: AttemptReport): Promise<SettleEnd> {
    const { podId, jobId, tenantId, no } = row;
    const attempt = { podId, attemptId: row.id, jobId, tenantId, outputs: report.outputs };
    const collecting = collectOutputs({ agents, blobs, clock, timings }, attempt, signal);
    // Read while the bytes are on their way; that it fails is met where it is awaited, unless they fail first.
    const facts = factsOf(row);
    facts.catch(() => {});
    try {
      const { outputs, assets } = await collecting;
      const receipt = await receiptFor(row, report, facts);
      if (!receipt) return "settled";
      const moved = await store.completeJob({ jobId, no, outputs, assets, receipt });
      tell(row, moved, { outcome: "succeeded", outputs: outputs.length, timing: receipt.timing });
      return "settled";
    } catch (error) {
      if (signal.aborted) return "later";
      if (!FleetError.is(error)) throw error;
      return await collectFailed(row, report, error);
    }
  }

  async function start(row: AttemptRow): Promise<SettleEnd> {
    const { jobId, no } = row;
    if (row.state === "running") return { jobId, no };
    if (row.state !== "offered") return "settled";
    const moved = await store.startJob({ jobId, no });
    if (moved.status === "done") signals.emit("job", moved.job);
    return { jobId, no };
  }

  /** Nobody wants the job canceled: a look-ahead that comes back, or a pod that does as it likes. */
  async function takeBack(row: AttemptRow, report: AttemptReport): Promise<SettleEnd> {
    if (report.startedAt !== null) return await lose(row, "canceled_by_pod");
    const recalled = deps.isRecalled(row.id);
    const moved = await requeue(deps, row, { reason: RECALLED, countLoss: false, recalled });
    tell(row, moved, { outcome: "given_back" });
    return "settled";
  }

  async function cancel(row: AttemptRow, report: AttemptReport): Promise<SettleEnd> {
    const moved = await store.confirmCanceled({ jobId: row.jobId, no: row.no });
    if (moved.status !== "done") return await takeBack(row, report);
    tell(row, moved, { outcome: "canceled" });
    return "settled";
  }

  return async (podId, report) => {
    const row = await store.getAttempt(report.attemptId);
    if (!row) return isAttemptFinal(report.state) ? "settled" : "ignored";
    if (row.podId !== podId) {
      logger.warn("report of another pod's attempt", { ...unitOf(row), pod: podId, expected: row.podId });
      return "ignored";
    }
    if (row.jobId !== report.jobId) {
      logger.warn("report names another job than its attempt's", { ...unitOf(row), reported: report.jobId });
      return "ignored";
    }
    if (hasEnded(row)) return "settled";
    switch (report.state) {
      case "accepted":
      case "collecting":
        // ComfyUI does not have it yet, or no more: then its result follows at once, and says that it has run.
        return row.state === "running" ? { jobId: row.jobId, no: row.no } : "settled";
      case "running":
        return await start(row);
      case "succeeded":
        return await succeed(row, report);
      case "failed":
        return await failOrRetry(row, report, report.error ?? NO_ERROR);
      case "canceled":
        return await cancel(row, report);
      case "lost":
        return await lose(row, report.error?.code ?? "comfy_lost");
    }
  };
}

/**
 * A store whose job transitions are counted, and whose ended jobs become spans. A transition is done by exactly one
 * caller, so that over all edges every end is counted once.
 */
import { isTerminal, visibleState } from "../../contracts/job-state.ts";
import type { Receipt } from "../../contracts/receipt.ts";
import type { RecordSpan } from "../../contracts/telemetry/span.ts";
import { childOf, parseTraceparent } from "../../contracts/telemetry/trace-context.ts";
import type { JobRow, Transition } from "../store/job-store.ts";
import type { Store } from "../store/port.ts";
import type { EdgeMetrics } from "./edge-metrics.ts";

interface Telemetry {
  metrics: EdgeMetrics;
  /** Null: spans go nowhere. */
  record: RecordSpan | null;
}

/** The loss that a pod's expired session is. */
const LEASE_EXPIRED = "pod_lost";

function jobSpan(record: RecordSpan, job: JobRow): void {
  const submitted = parseTraceparent(job.traceparent);
  if (submitted === null || job.completedAtMs === null) return;
  const { id, tenantId, attempt, losses, podId, service, error } = job;
  record({
    context: childOf(submitted),
    parentSpanId: submitted.spanId,
    name: "job",
    kind: "internal",
    startMs: job.createdAtMs,
    endMs: job.completedAtMs,
    error: error?.code ?? null,
    attributes: {
      "comfyfleet.job": id,
      "comfyfleet.tenant": tenantId,
      "comfyfleet.state": visibleState(job.state),
      "comfyfleet.attempts": attempt,
      "comfyfleet.losses": losses,
      ...(podId === null ? {} : { "comfyfleet.pod": podId }),
      ...(service === null ? {} : { "comfyfleet.service": service.id }),
    },
  });
}

export function observedStore(store: Store, { metrics, record }: Telemetry): Store {
  function ended(job: JobRow): void {
    const state = visibleState(job.state);
    if (!isTerminal(state)) return;
    metrics.count("comfyfleet_jobs_total", state);
    if (record !== null) jobSpan(record, job);
  }

  function timed(receipt: Receipt | null): void {
    if (receipt === null) return;
    metrics.observe("comfyfleet_job_queue_seconds", receipt.timing.queueMs / 1_000);
    metrics.observe("comfyfleet_job_execution_seconds", receipt.timing.executeMs / 1_000);
    metrics.observe("comfyfleet_job_collect_seconds", (receipt.timing.collectMs + receipt.timing.storeMs) / 1_000);
  }

  /** @param outcome of the attempt; null where none ends */
  function noted(moved: Transition, outcome: string | null, receipt: Receipt | null = null): Transition {
    if (moved.status !== "done") return moved;
    if (outcome !== null) metrics.count("comfyfleet_attempts_total", outcome);
    timed(receipt);
    ended(moved.job);
    return moved;
  }

  return {
    ...store,
    async submitJob(job) {
      const outcome = await store.submitJob(job);
      if (outcome.status === "created") metrics.count("comfyfleet_jobs_submitted_total");
      return outcome;
    },
    async completeJob(input) {
      const moved = await store.completeJob(input);
      const bytes = input.outputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (moved.status === "done") metrics.count("comfyfleet_output_bytes_total", "", bytes);
      return noted(moved, "succeeded", input.receipt);
    },
    failJob: async (input) => noted(await store.failJob(input), "failed", input.receipt),
    async loseAttempt(input) {
      const moved = await store.loseAttempt(input);
      if (moved.status === "done" && input.reason === LEASE_EXPIRED) metrics.count("comfyfleet_lease_expired_total");
      return noted(moved, input.countLoss ? "lost" : "given_back");
    },
    cancelJob: async (input) => noted(await store.cancelJob(input), null),
    confirmCanceled: async (input) => noted(await store.confirmCanceled(input), "canceled"),
    async expireJobs(limit) {
      const expired = await store.expireJobs(limit);
      for (const job of expired) ended(job);
      return expired;
    },
  };
}

/** Jobs: what a caller submits and what it gets back. */
import { z } from "zod";
import { Output } from "./asset.ts";
import { Text } from "./bounds.ts";
import { ErrorCode } from "./errors.ts";
import { JobId, PodId, TenantId, Timestamp } from "./ids.ts";
import { JobState } from "./job-state.ts";
import { Metadata } from "./metadata.ts";
import { Progress } from "./progress.ts";
import { Receipt } from "./receipt.ts";
import { ServiceSpecSchema, ServiceUse } from "./services/spec.ts";
import { WorkflowSchema } from "./workflow-parse.ts";

/** An arbitrary graph; its needs (classes, models, inputs) are derived from it, not declared. */
export const WorkflowSpec = z.strictObject({ kind: z.literal("workflow"), workflow: WorkflowSchema });
export type WorkflowSpec = z.infer<typeof WorkflowSpec>;

/** What to run. A union by `kind`, so that further kinds are additions. */
export const JobSpec = z.discriminatedUnion("kind", [WorkflowSpec, ServiceSpecSchema]);
export type JobSpec = z.infer<typeof JobSpec>;

export const Priority = z.enum(["interactive", "normal", "batch"]);
export type Priority = z.infer<typeof Priority>;

const DAY_MS = 86_400_000;

export const SubmitOptions = z.strictObject({
  /** Same key and body → the first job again; same key, other body → `idempotency_key_reuse`. Kept as long as the job. */
  idempotencyKey: z.string().min(1).max(200).optional(),
  priority: Priority.default("normal"),
  /** The job becomes `expired` when no pod has started it this long after it was accepted. */
  startWithinMs: z.int().min(1_000).max(30 * DAY_MS).optional(),
  /** Hard cap on one attempt's run; past it the job fails with `timeout`. Default: the edge's `JOB_RUN_TIMEOUT_MS`. */
  runWithinMs: z.int().min(1_000).max(7 * DAY_MS).optional(),
  /** Labels of the caller's own, shown with the job; `jobs.list` finds jobs by them. */
  metadata: Metadata.optional(),
});
export type SubmitOptions = z.infer<typeof SubmitOptions>;

export const SubmitJob = z.strictObject({ spec: JobSpec, options: SubmitOptions.prefault({}) });
export type SubmitJob = z.infer<typeof SubmitJob>;

/** Why a job failed, in the words of the error registry, with the node to blame where there is one. */
export const JobError = z.object({
  code: ErrorCode,
  message: Text,
  hint: Text.nullish(),
  nodeId: Text.nullish(),
  classType: Text.nullish(),
  /** ComfyUI's `exception_type`, e.g. `torch.OutOfMemoryError`. */
  exceptionType: Text.nullish(),
  /** Per node, `{ field, reason }[]`, when ComfyUI refused the graph. */
  nodeErrors: z.record(z.string(), z.array(z.object({ field: Text, reason: Text }))).nullish(),
});
export type JobError = z.infer<typeof JobError>;

/** Why a queued job waits: the first pod that comes nearest decides the words. */
export const Waiting = z.object({
  reason: z.enum([
    "no_pods",
    "no_capable_pod",
    "missing_model",
    "pods_busy",
    "pods_cordoned",
    "pods_not_ready",
    "pods_unhealthy",
    "starting",
    "retrying",
  ]),
  message: z.string(),
});
export type Waiting = z.infer<typeof Waiting>;

export const Job = z.object({
  id: JobId,
  tenantId: TenantId,
  kind: z.enum(["workflow", "service"]),
  /** Which service was asked for and the seed it runs with; null for a workflow. */
  service: ServiceUse.nullable().default(null),
  /** The final job that this one repeats, made by `jobs.retry`. */
  retryOf: JobId.nullable().default(null),
  state: JobState,
  priority: Priority,
  /** Rises by at least one at every transition; the event id of `jobs.watch`. */
  ver: z.int().min(0),
  /** Number of the current or last attempt; 0 before the first. */
  attempt: z.int().min(0),
  /** Attempts lost to infrastructure (pod, ComfyUI or network gone); they cost the caller nothing. */
  losses: z.int().min(0),
  podId: PodId.nullable(),
  /** As submitted; empty without any. */
  metadata: z.record(z.string(), z.string()).default({}),
  createdAt: Timestamp,
  startedAt: Timestamp.nullable(),
  completedAt: Timestamp.nullable(),
  /**
   * From then on the job and its outputs are not found: `JOB_RETENTION_MS` after its end, or after now while it has none.
   * Null where an edge is too old to say.
   */
  expiresAt: Timestamp.nullable().default(null),
  startBy: Timestamp.nullable(),
  cancelRequested: z.boolean(),
  waiting: Waiting.nullable(),
  progress: Progress.nullable(),
  /**
   * Complete in state `succeeded`. Before, those of the current attempt that are home already, in the order in which they
   * came; `ver` does not rise with them. A job that fails or is canceled keeps those; a lost attempt takes its own away.
   */
  outputs: z.array(Output),
  error: JobError.nullable(),
  receipt: Receipt.nullable(),
});
export type Job = z.infer<typeof Job>;

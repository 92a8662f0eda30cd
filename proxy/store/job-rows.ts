/** Columns and rows of jobs, attempts and events. */
import { z } from "zod";
import { Output } from "../../contracts/asset.ts";
import { AttemptId, BootId, JobId, PodId, Sha256, TenantId } from "../../contracts/ids.ts";
import { JobState, type StoredJobState } from "../../contracts/job-state.ts";
import type { JobSpec } from "../../contracts/job.ts";
import { Receipt } from "../../contracts/receipt.ts";
import { ServiceUse } from "../../contracts/services/spec.ts";
import { TolerantJobError, TolerantOutputType } from "../../contracts/tolerant.ts";
import { BandColumn, BooleanColumn, jsonColumn } from "./columns.ts";
import type { AttemptRow, JobRow, QueuedJob, StoredAttemptState } from "./job-store.ts";
import type { Needs } from "./new-job.ts";

export const STORED_JOB_STATES: readonly StoredJobState[] = [...JobState.options, "assigned"];
const StoredState: z.ZodType<StoredJobState> = z.enum(STORED_JOB_STATES);

export const JOB_COLUMNS =
  `id, tenant_id as "tenantId", service, state, band as "priority", placement_key as "placementKey", ver,
  attempt, losses, pod_id as "podId", cancel_requested as "cancelRequested", created_at_ms as "createdAtMs",
  started_at_ms as "startedAtMs", completed_at_ms as "completedAtMs", run_after_ms as "runAfterMs",
  start_by_ms as "startByMs", run_within_ms as "runWithinMs", retry_of as "retryOf", winner, outputs, error, receipt,
  traceparent, has_partner_key as "hasPartnerKey", metadata, uses_assets as "usesAssets"`;

export const JobColumns: z.ZodType<JobRow> = z.object({
  id: JobId,
  tenantId: TenantId,
  service: jsonColumn(ServiceUse).nullable(),
  state: StoredState,
  priority: BandColumn,
  placementKey: z.string(),
  ver: z.int(),
  attempt: z.int(),
  losses: z.int(),
  podId: PodId.nullable(),
  cancelRequested: BooleanColumn,
  createdAtMs: z.int(),
  startedAtMs: z.int().nullable(),
  completedAtMs: z.int().nullable(),
  runAfterMs: z.int(),
  startByMs: z.int().nullable(),
  runWithinMs: z.int(),
  retryOf: JobId.nullable(),
  winner: z.int().nullable(),
  outputs: jsonColumn(z.array(Output.extend({ type: TolerantOutputType }))),
  error: jsonColumn(TolerantJobError).nullable(),
  receipt: jsonColumn(Receipt).nullable(),
  traceparent: z.string().nullable(),
  hasPartnerKey: BooleanColumn,
  metadata: jsonColumn(z.record(z.string(), z.string())).nullable().transform((metadata) => metadata ?? {}),
  usesAssets: BooleanColumn,
});

const AttemptState: z.ZodType<StoredAttemptState> = z.enum([
  "offered",
  "running",
  "succeeded",
  "failed",
  "canceled",
  "lost",
  "superseded",
]);

/** With its job joined as `j`; the attempt is `a`. */
export const ATTEMPT_COLUMNS = `a.id as "id", a.job_id as "jobId", j.tenant_id as "tenantId", a.no as "no",
  a.pod_id as "podId", a.boot_id as "bootId", a.state as "state", a.offered_at_ms as "offeredAtMs",
  a.started_at_ms as "startedAtMs", a.ended_at_ms as "endedAtMs", a.reason as "reason",
  a.graph_sha256 as "graphSha256", j.traceparent as "traceparent", j.state as "jobState"`;

export const AttemptColumns: z.ZodType<AttemptRow> = z.object({
  id: AttemptId,
  jobId: JobId,
  tenantId: TenantId,
  no: z.int(),
  podId: PodId,
  bootId: BootId,
  state: AttemptState,
  offeredAtMs: z.int(),
  startedAtMs: z.int().nullable(),
  endedAtMs: z.int().nullable(),
  reason: z.string().nullable(),
  graphSha256: Sha256,
  traceparent: z.string().nullable(),
  jobState: StoredState,
});

export const EVENT_COLUMNS = `job_id as "jobId", ver, state, attempt, at_ms as "atMs", reason`;

export const EventColumns = z.object({
  jobId: JobId,
  ver: z.int(),
  state: JobState,
  attempt: z.int(),
  atMs: z.int(),
  reason: z.string().nullable(),
});

export const QUEUE_COLUMNS =
  `id, tenant_id as "tenantId", ver, band as "priority", placement_key as "placementKey", created_at_ms as "createdAtMs",
  losses, has_partner_key as "hasPartnerKey"`;

export const QueueColumns: z.ZodType<QueuedJob> = z.object({
  id: JobId,
  tenantId: TenantId,
  ver: z.int(),
  priority: BandColumn,
  placementKey: z.string(),
  createdAtMs: z.int(),
  losses: z.int(),
  hasPartnerKey: BooleanColumn,
});

const StoredNeeds: z.ZodType<Needs> = z.object({
  classes: z.array(z.string()),
  models: z.array(z.object({ classType: z.string(), input: z.string(), name: z.string() })),
  refusedBy: z.array(z.string()).optional(),
});

export const NeedsColumns = z.object({ placementKey: z.string(), needs: jsonColumn(StoredNeeds) });

/**
 * A spec was parsed whole at submit. Reading it back checks only that it is one: a later build that refuses more must
 * still run what an earlier one accepted.
 */
const OfKind = z.object({ kind: z.enum(["workflow", "service"]) });
const StoredSpec = z.custom<JobSpec>((value) => OfKind.safeParse(value).success);

export const SpecColumns = z.object({ spec: jsonColumn(StoredSpec) });

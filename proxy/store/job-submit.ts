/** Accepting a job: its row, its spec and its first event in one transaction, once per idempotency key. */
import { z } from "zod";
import { holdAssets, missingAssets } from "./asset-holds.ts";
import { JOB_COLUMNS, JobColumns } from "./job-rows.ts";
import type { EarlierSubmission, JobRow, SubmissionKey, SubmitOutcome } from "./job-store.ts";
import type { NewJob } from "./new-job.ts";
import { assignMove } from "./job-moves.ts";
import { isClosed, offer } from "./job-transitions.ts";
import { moved, recordEvent } from "./job-writes.ts";
import { bandOf } from "./columns.ts";
import { clock, happened, one, run, type Transaction } from "./transaction.ts";

const INSERT_PLACEMENT = `insert into placement (placement_key, needs) values ($1, $2)
  on conflict (placement_key) do nothing`;
const INSERT_JOB =
  `insert into job (id, tenant_id, idem_space, idem_key, request_sha256, state, ver, band, placement_key,
  attempt, losses, cancel_requested, created_at_ms, run_after_ms, start_by_ms, run_within_ms, outputs, service, retry_of,
  traceparent, metadata, uses_assets, has_partner_key, pod_id)
  select $1, $2, $3, $4, $5, $18, $19, $6, $7, $20, 0, 0, $8, $8, $9, $10, '[]', $11, $12, $13, $14, $15, $17, $21
  where not exists (select 1 from job where tenant_id = $2 and state = 'queued' limit 1 offset $16 - 1)
  on conflict (tenant_id, idem_space, idem_key) do nothing returning id`;
const INSERT_SECRET = `insert into job_secret (job_id, sealed) values ($1, $2)`;
const INSERT_SPEC = `insert into job_spec (job_id, spec) values ($1, $2)`;
const FIRST_OF_KEY = `select request_sha256 as "requestSha256", created_at_ms as "createdAtMs" from job
  where tenant_id = $1 and idem_space = $2 and idem_key = $3`;
const JOB_OF_KEY = `select ${JOB_COLUMNS} from job where tenant_id = $1 and idem_space = $2 and idem_key = $3`;

const FREE_KEY = `update job set idem_space = null, idem_key = null
  where tenant_id = $1 and idem_space = $2 and idem_key = $3 and created_at_ms <= $4`;
const INSERT_LABEL = `insert into job_label (job_id, key, value, tenant_id, created_at_ms) values ($1, $2, $3, $4, $5)`;

const KeyColumns = z.object({ requestSha256: z.string(), createdAtMs: z.int() });

/** How long a key of the Comfy API v2 is taken. */
export const V2_KEY_MS = 86_400_000;

function newRow(job: NewJob, nowMs: number): JobRow {
  const { id, tenantId, service, priority, placementKey, runWithinMs, startWithinMs, retryOf, traceparent } = job;
  const { metadata } = job;
  return {
    id,
    tenantId,
    service,
    state: "queued",
    priority,
    placementKey,
    ver: 1,
    attempt: 0,
    losses: 0,
    podId: null,
    cancelRequested: false,
    createdAtMs: nowMs,
    startedAtMs: null,
    completedAtMs: null,
    runAfterMs: nowMs,
    startByMs: startWithinMs === null ? null : nowMs + startWithinMs,
    runWithinMs,
    retryOf,
    winner: null,
    outputs: [],
    error: null,
    receipt: null,
    traceparent,
    hasPartnerKey: job.sealedKey !== null,
    metadata,
    usesAssets: job.assetIds.length > 0,
  };
}

/** What became of an earlier request with this idempotency key; null when there was none, or its key is free again. */
export function* findSubmission(request: SubmissionKey): Transaction<EarlierSubmission | null> {
  const { idempotency } = request;
  const key = [request.tenantId, idempotency.space, idempotency.key];
  const first = yield* one(FIRST_OF_KEY, key, KeyColumns);
  if (first === null) return null;
  if (idempotency.space === "v2") {
    if (first.createdAtMs <= (yield* clock()) - V2_KEY_MS) return null;
    if (!idempotency.replay) return { status: "key_reused" };
  }
  if (first.requestSha256 !== request.requestSha256) return { status: "key_reused" };
  const existing = yield* one(JOB_OF_KEY, key, JobColumns);
  return existing === null ? { status: "key_reused" } : { status: "existing", job: existing };
}

function* insertParts(job: NewJob, nowMs: number): Transaction<void> {
  yield* run(INSERT_SPEC, [job.id, JSON.stringify(job.spec)]);
  if (job.sealedKey !== null) yield* run(INSERT_SECRET, [job.id, job.sealedKey]);
  for (const [key, value] of Object.entries(job.metadata)) {
    yield* run(INSERT_LABEL, [job.id, key, value, job.tenantId, nowMs]);
  }
  yield* holdAssets(job.id, job.assetIds);
}

export function* submitJob(job: NewJob, jobRetentionMs: number): Transaction<SubmitOutcome> {
  const nowMs = yield* clock();
  const first = newRow(job, nowMs);
  const { idempotency, assignment = null } = job;
  const missing = yield* missingAssets(job.tenantId, job.assetIds, { nowMs, jobRetentionMs });
  if (missing.length > 0) return { status: "missing_assets", assetIds: missing };
  if (idempotency?.space === "v2") {
    yield* run(FREE_KEY, [job.tenantId, idempotency.space, idempotency.key, nowMs - V2_KEY_MS]);
  }
  yield* run(INSERT_PLACEMENT, [job.placementKey, JSON.stringify(job.needs)]);
  const isOffered = assignment !== null && !(yield* isClosed(assignment.podId));
  const move = isOffered ? assignMove(first, { ver: first.ver, podId: assignment.podId }, nowMs) : null;
  const row = move === null ? first : moved(first, move);
  const inserted = yield* happened(INSERT_JOB, [
    job.id,
    job.tenantId,
    idempotency?.space ?? null,
    idempotency?.key ?? null,
    job.requestSha256,
    bandOf(job.priority),
    job.placementKey,
    nowMs,
    row.startByMs,
    row.runWithinMs,
    job.service === null ? null : JSON.stringify(job.service),
    job.retryOf,
    job.traceparent,
    Object.keys(job.metadata).length === 0 ? null : JSON.stringify(job.metadata),
    row.usesAssets ? 1 : 0,
    job.maxQueued,
    row.hasPartnerKey ? 1 : 0,
    row.state,
    row.ver,
    row.attempt,
    row.podId,
  ]);
  if (!inserted) {
    // Only the key and the bound can have been in the way: job ids are minted anew for every request.
    const earlier = idempotency === null ? null : yield* findSubmission({ ...job, idempotency });
    return earlier ?? { status: "queue_full" };
  }
  yield* insertParts(job, nowMs);
  yield* recordEvent(first, { attempt: 0, reason: null, atMs: nowMs });
  if (assignment !== null && move !== null) yield* offer(row, assignment, nowMs);
  return { status: "created", job: row };
}

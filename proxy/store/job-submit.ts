/** Accepting a job: its row, its spec and its first event in one transaction, once per idempotency key. */
import { z } from "zod";
import { JOB_COLUMNS, JobColumns } from "./job-rows.ts";
import type { EarlierSubmission, JobRow, NewJob, SubmissionKey, SubmitOutcome } from "./job-store.ts";
import { recordEvent } from "./job-writes.ts";
import { bandOf } from "./columns.ts";
import { clock, happened, one, run, type Transaction } from "./transaction.ts";

const INSERT_PLACEMENT = `insert into placement (placement_key, needs) values ($1, $2)
  on conflict (placement_key) do nothing`;
const INSERT_JOB =
  `insert into job (id, tenant_id, idem_space, idem_key, request_sha256, state, ver, band, placement_key,
  attempt, losses, cancel_requested, created_at_ms, run_after_ms, start_by_ms, run_within_ms, outputs, service, retry_of,
  traceparent, has_partner_key)
  values ($1, $2, $3, $4, $5, 'queued', 1, $6, $7, 0, 0, 0, $8, $8, $9, $10, '[]', $11, $12, $13, $14)
  on conflict (tenant_id, idem_space, idem_key) do nothing returning id`;
const INSERT_SECRET = `insert into job_secret (job_id, sealed) values ($1, $2)`;
const INSERT_SPEC = `insert into job_spec (job_id, spec) values ($1, $2)`;
const FIRST_OF_KEY = `select request_sha256 as "requestSha256" from job
  where tenant_id = $1 and idem_space = $2 and idem_key = $3`;
const JOB_OF_KEY = `select ${JOB_COLUMNS} from job where tenant_id = $1 and idem_space = $2 and idem_key = $3`;

const KeyColumns = z.object({ requestSha256: z.string() });

function newRow(job: NewJob, nowMs: number): JobRow {
  const { id, tenantId, service, priority, placementKey, runWithinMs, startWithinMs, retryOf, traceparent } = job;
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
  };
}

/** What became of an earlier request with this idempotency key; null when there was none. */
export function* findSubmission(request: SubmissionKey): Transaction<EarlierSubmission | null> {
  const key = [request.tenantId, request.idempotency.space, request.idempotency.key];
  const first = yield* one(FIRST_OF_KEY, key, KeyColumns);
  if (first === null) return null;
  if (first.requestSha256 !== request.requestSha256) return { status: "key_reused" };
  const existing = yield* one(JOB_OF_KEY, key, JobColumns);
  return existing === null ? { status: "key_reused" } : { status: "existing", job: existing };
}

export function* submitJob(job: NewJob): Transaction<SubmitOutcome> {
  const nowMs = yield* clock();
  const row = newRow(job, nowMs);
  yield* run(INSERT_PLACEMENT, [job.placementKey, JSON.stringify(job.needs)]);
  const inserted = yield* happened(INSERT_JOB, [
    job.id,
    job.tenantId,
    job.idempotency?.space ?? null,
    job.idempotency?.key ?? null,
    job.requestSha256,
    bandOf(job.priority),
    job.placementKey,
    nowMs,
    row.startByMs,
    row.runWithinMs,
    job.service === null ? null : JSON.stringify(job.service),
    job.retryOf,
    job.traceparent,
    row.hasPartnerKey ? 1 : 0,
  ]);
  if (!inserted) {
    const { idempotency } = job;
    // Only the key can have been in the way: job ids are minted anew for every request.
    const earlier = idempotency === null ? null : yield* findSubmission({ ...job, idempotency });
    return earlier ?? { status: "key_reused" };
  }
  yield* run(INSERT_SPEC, [job.id, JSON.stringify(job.spec)]);
  if (job.sealedKey !== null) yield* run(INSERT_SECRET, [job.id, job.sealedKey]);
  yield* recordEvent(row, { attempt: 0, reason: null, atMs: nowMs });
  return { status: "created", job: row };
}

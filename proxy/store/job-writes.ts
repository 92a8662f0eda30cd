/**
 * The only writers of job and attempt rows after submit. A job's new row, its event and, at the end, its outbox row are
 * one step; lock order everywhere: job, attempt, event, outbox.
 */
import type { JobId } from "../../contracts/ids.ts";
import { canTransition, isTerminal, visibleState } from "../../contracts/job-state.ts";
import type { Move } from "./job-moves.ts";
import { JOB_COLUMNS, JobColumns } from "./job-rows.ts";
import type { JobRow, StoredAttemptState, Transition } from "./job-store.ts";
import { clock, happened, oneLocked, run, type SqlValue, type Transaction } from "./transaction.ts";

const LOCK_JOB = `select ${JOB_COLUMNS} from job where id = $1`;

const UPDATE_JOB = `update job set state = $4, ver = $16, attempt = $5, losses = $6, pod_id = $7,
  cancel_requested = $8, started_at_ms = $9, completed_at_ms = $10, run_after_ms = $11, winner = $12, outputs = $13,
  error = $14, receipt = $15
  where id = $1 and ver = $2 and state = $3 returning id`;

const INSERT_EVENT = `insert into event (job_id, ver, state, attempt, at_ms, reason, tenant_id, seq)
  values ($1, $2, $3, $4, $5, $6, $7, 
    (select max(seq) + 1 from (select max(seq) as seq from event union all select seq from event_floor) as taken))`;
const INSERT_OUTBOX = `insert into outbox (job_id, state, at_ms) values ($1, $2, $3)`;

const DROP_SECRET = `delete from job_secret where job_id = $1`;
const LET_GO = `delete from job_asset where job_id = $1`;

const END_ATTEMPT = `update attempt set state = $3, ended_at_ms = $4, reason = $5 where job_id = $1 and no = $2`;

/** The job, held until the transaction ends. */
export function lockJob(id: JobId): Transaction<JobRow | null> {
  return oneLocked(LOCK_JOB, [id], JobColumns);
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Writes what {@link UPDATE_JOB} may change, guarded by the version and state that the move was decided on. */
function* updateJob(before: JobRow, next: JobRow): Transaction<void> {
  const params: SqlValue[] = [before.id, before.ver, before.state, next.state, next.attempt, next.losses, next.podId];
  params.push(next.cancelRequested ? 1 : 0, next.startedAtMs, next.completedAtMs, next.runAfterMs, next.winner);
  params.push(JSON.stringify(next.outputs), json(next.error), json(next.receipt), next.ver);
  if (!(yield* happened(UPDATE_JOB, params))) {
    throw new Error(`Cannot move job ${before.id}: it changed while this transaction held it`);
  }
}

/** An event shows a state or counts a loss: an offer that came to nothing was `queued` throughout and only raises `ver`. */
function isVisible(before: JobRow, after: JobRow): boolean {
  return visibleState(before.state) !== visibleState(after.state) || before.losses !== after.losses;
}

export function* recordEvent(
  job: JobRow,
  event: { attempt: number; reason: string | null; atMs: number },
): Transaction<void> {
  const { attempt, reason, atMs } = event;
  yield* run(INSERT_EVENT, [job.id, job.ver, visibleState(job.state), attempt, atMs, reason, job.tenantId]);
}

/** The job after the move. @throws Error where the state machine has no such transition */
export function moved(before: JobRow, move: Move): JobRow {
  const job: JobRow = { ...move.next, ver: before.ver + 1 };
  if (!canTransition(before.state, job.state)) {
    throw new Error(`Cannot move job ${job.id} from ${before.state} to ${job.state}: no such transition`);
  }
  return job;
}

/**
 * Carries moves out that happen at once, each decided on the job as the one before it leaves it: one write of its row, and
 * an event for each. `before` must be the row that {@link lockJob} gave to this transaction.
 */
export function* writeMoves(before: JobRow, steps: readonly Move[], nowMs: number): Transaction<JobRow> {
  let job = before;
  const visible: { job: JobRow; move: Move }[] = [];
  for (const move of steps) {
    const next = moved(job, move);
    if (isVisible(job, next)) visible.push({ job: next, move });
    job = next;
  }
  yield* updateJob(before, job);
  for (const { job: then, move } of visible) {
    yield* recordEvent(then, { attempt: move.attempt, reason: move.reason, atMs: nowMs });
  }
  if (!isTerminal(job.state)) return job;
  yield* run(INSERT_OUTBOX, [job.id, job.state, nowMs]);
  if (job.usesAssets) yield* run(LET_GO, [job.id]);
  if (job.hasPartnerKey) yield* run(DROP_SECRET, [job.id]);
  return job;
}

/** Ends one attempt; ending it again overwrites, so that an attempt given up for lost can still win. */
export function endAttempt(
  attempt: { jobId: JobId; no: number },
  end: { state: StoredAttemptState; reason: string | null; atMs: number },
): Transaction<void> {
  return run(END_ATTEMPT, [attempt.jobId, attempt.no, end.state, end.atMs, end.reason]);
}

/** Locks the job, asks `decide`, writes the move and then what belongs to it. Null from `decide`: stale, nothing changed. */
export function* moveJob(
  id: JobId,
  decide: (job: JobRow, nowMs: number) => Move | null,
  also?: (job: JobRow, nowMs: number) => Transaction<void>,
): Transaction<Transition> {
  const before = yield* lockJob(id);
  const nowMs = yield* clock();
  const move = before === null ? null : decide(before, nowMs);
  if (before === null || move === null) return { status: "stale", job: before };
  const job = yield* writeMoves(before, [move], nowMs);
  if (also !== undefined) yield* also(job, nowMs);
  return { status: "done", job };
}

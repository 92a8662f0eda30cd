/** The transitions of a job as transactions: each guard is a pure move, each effect one of `job-writes.ts`. */
import { z } from "zod";
import type { Output } from "../../contracts/asset.ts";
import { type AssetId, JobId, type PodId } from "../../contracts/ids.ts";
import { isTerminal } from "../../contracts/job-state.ts";
import type { NewAsset } from "./asset-store.ts";
import { insertAsset, WITH_ITS_JOB } from "./asset-transactions.ts";
import * as moves from "./job-moves.ts";
import type { CompleteJob, JobRow, JobStore, Transition } from "./job-store.ts";
import { endAttempt, lockJob, moved, moveJob, writeMoves } from "./job-writes.ts";
import type { NewAttempt } from "./new-job.ts";
import { all, clock, happened, run, type Transaction } from "./transaction.ts";

type Input<M extends keyof JobStore> = Parameters<JobStore[M]>[0];

const INSERT_ATTEMPT = `insert into attempt (id, job_id, no, pod_id, boot_id, state, offered_at_ms, graph_sha256)
  values ($1, $2, $3, $4, $5, 'offered', $6, $7)`;
const START_ATTEMPT = `update attempt set state = 'running', started_at_ms = $3
  where job_id = $1 and no = $2 and state = 'offered' returning id`;
/** Of a run so short that its end is the first that is heard of it, the start is told with the end. */
const WIN_ATTEMPT = `update attempt set state = 'succeeded', started_at_ms = coalesce(started_at_ms, $4),
  ended_at_ms = $3, reason = null where job_id = $1 and no = $2 returning id`;
const SUPERSEDE_OTHERS = `update attempt set state = 'superseded', ended_at_ms = $3
  where job_id = $1 and no <> $2 and ended_at_ms is null`;
const IS_CLOSED = `select 1 as found from pod where id = $1 
  and (cordoned_at_ms is not null or dev = 1 or phase = 'gone')`;
const EXPIRABLE = `select id from job where state = 'queued' and start_by_ms <= $1 and started_at_ms is null
  order by start_by_ms limit $2`;

const DueColumns = z.object({ id: JobId });

/** Whether the pod takes no work any more, maybe only since the planner looked: from that commit on nothing goes there. */
export function isClosed(podId: PodId): Transaction<boolean> {
  return happened(IS_CLOSED, [podId]);
}

/** The attempt that the job, as it is after its assignment, waits for. */
export function offer({ id, attempt }: JobRow, chosen: NewAttempt, nowMs: number): Transaction<void> {
  const { attemptId, podId, bootId, graphSha256 } = chosen;
  return run(INSERT_ATTEMPT, [attemptId, id, attempt, podId, bootId, nowMs, graphSha256]);
}

export function* assignJob(
  input: Input<"assignJob">,
): Transaction<{ status: "done"; no: number } | { status: "stale" }> {
  if (yield* isClosed(input.podId)) return { status: "stale" };
  const done = yield* moveJob(
    input.jobId,
    (job, nowMs) => moves.assignMove(job, input, nowMs),
    (job, nowMs) => offer(job, input, nowMs),
  );
  return done.status === "done" ? { status: "done", no: done.job.attempt } : { status: "stale" };
}

export function* startJob({ jobId, no }: Input<"startJob">): Transaction<Transition> {
  const before = yield* lockJob(jobId);
  const nowMs = yield* clock();
  if (before === null) return { status: "stale", job: null };
  const move = moves.startMove(before, no, nowMs);
  // The agent accepted what a caller has canceled meanwhile: the attempt runs until the agent confirms its end.
  const startsCanceling = before.state === "canceling" && before.attempt === no;
  if (move === null && !startsCanceling) return { status: "stale", job: before };
  const job = move === null ? before : yield* writeMoves(before, [move], nowMs);
  const started = yield* happened(START_ATTEMPT, [jobId, no, nowMs]);
  return { status: move !== null || started ? "done" : "stale", job };
}

/** Stores the rows. Equal bytes of the same name may have a row already: the outputs then name that one. */
export function* nameStored(outputs: Output[], assets: NewAsset[], nowMs: number): Transaction<Output[]> {
  const kept = { jobId: outputs[0]?.jobId ?? null, expiresAtMs: WITH_ITS_JOB, nowMs };
  const ids = new Map<AssetId, AssetId>();
  for (const asset of assets) ids.set(asset.id, (yield* insertAsset(asset, kept)).id);
  return outputs.map((output) => ({ ...output, assetId: ids.get(output.assetId) ?? output.assetId }));
}

export function* completeJob({ jobId, no, outputs, assets, receipt }: CompleteJob): Transaction<Transition> {
  const before = yield* lockJob(jobId);
  const nowMs = yield* clock();
  if (before === null || isTerminal(before.state)) return { status: "stale", job: before };
  const start = moves.startMove(before, no, nowMs);
  if (!(yield* happened(WIN_ATTEMPT, [jobId, no, nowMs, start && nowMs]))) return { status: "stale", job: before };
  // Only a job's current attempt can be live.
  if (no !== before.attempt) yield* run(SUPERSEDE_OTHERS, [jobId, no, nowMs]);
  const result = { no, outputs: yield* nameStored(outputs, assets, nowMs), receipt };
  const steps = start === null ? [] : [start];
  const end = moves.completeMove(start === null ? before : moved(before, start), result, nowMs);
  if (end === null) throw new Error(`Cannot complete job ${jobId}: it is ${before.state}`);
  return { status: "done", job: yield* writeMoves(before, [...steps, end], nowMs) };
}

export function failJob(input: Input<"failJob">): Transaction<Transition> {
  return moveJob(
    input.jobId,
    (job, nowMs) => moves.failMove(job, input, nowMs),
    (_, atMs) => endAttempt(input, { state: "failed", reason: input.error.code, atMs }),
  );
}

export function loseAttempt(input: Input<"loseAttempt">): Transaction<Transition> {
  return moveJob(
    input.jobId,
    (job, nowMs) => moves.loseMove(job, input, nowMs),
    (_, atMs) => endAttempt(input, { state: "lost", reason: input.reason, atMs }),
  );
}

export function* cancelJob({ tenantId, jobId }: Input<"cancelJob">): Transaction<Transition> {
  const asked = yield* moveJob(jobId, (job, nowMs) => job.tenantId === tenantId ? moves.cancelMove(job, nowMs) : null);
  return asked.job?.tenantId === tenantId ? asked : { status: "stale", job: null };
}

export function confirmCanceled(input: Input<"confirmCanceled">): Transaction<Transition> {
  return moveJob(
    input.jobId,
    (job, nowMs) => moves.confirmCanceledMove(job, input.no, nowMs),
    (_, atMs) => endAttempt(input, { state: "canceled", reason: null, atMs }),
  );
}

export function* expireJobs(limit: number): Transaction<JobRow[]> {
  const nowMs = yield* clock();
  const due = yield* all(EXPIRABLE, [nowMs, limit], DueColumns);
  const expired: JobRow[] = [];
  for (const { id } of due) {
    const ended = yield* moveJob(id, moves.expireMove);
    if (ended.status === "done") expired.push(ended.job);
  }
  return expired;
}

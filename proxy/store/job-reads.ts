/** Reading jobs, their events and attempts, and the queue. */
import { z } from "zod";
import { type AttemptId, JobId, type PodId } from "../../contracts/ids.ts";
import { isTerminal, visibleState } from "../../contracts/job-state.ts";
import type { JobSpec } from "../../contracts/job.ts";
import { BandColumn, bandOf } from "./columns.ts";
import * as rows from "./job-rows.ts";
import {
  type AttemptRow,
  type EventRow,
  type JobRow,
  MAX_EXCEPTED_KEYS,
  MAX_QUEUE_POSITION,
  type QueuedJob,
  type QueueRange,
} from "./job-store.ts";
import type { Needs } from "./new-job.ts";
import { all, clock, filledList, listChunks, one, type SqlValue, type Transaction } from "./transaction.ts";

const GET_JOB = `select ${rows.JOB_COLUMNS} from job where id = $1`;
const GET_SPEC = `select spec from job_spec where job_id = $1`;
const GET_SEALED_KEY = `select sealed from job_secret where job_id = $1`;
const SealedKey = z.object({ sealed: z.string() });
const LIST_EVENTS = `select ${rows.EVENT_COLUMNS} from event where job_id = $1 and ver > $2 order by ver`;
const LIST_QUEUE = `select ${rows.QUEUE_COLUMNS} from job
  where state = 'queued' and run_after_ms <= $1
    and (start_by_ms is null or start_by_ms > $1 or started_at_ms is not null)
    and (band, created_at_ms, id) > ($3, $4, $5)`;
const QUEUE_ORDER = `order by band, created_at_ms, id limit $2`;
/** Few, because each is a text to prepare. */
const EXCEPTED_SIZES = [1, 8, 64, 512, 4_096, MAX_EXCEPTED_KEYS];
const QUEUE_PLACE = `select band as "priority", created_at_ms as "createdAtMs", state from job
  where id = $1 and state in ('queued', 'assigned')`;
const COUNT_BEFORE = `select count(*) as "before" from (select 1 from job
  where state = 'queued' and (band, created_at_ms, id) < ($1, $2, $3) limit ${MAX_QUEUE_POSITION}) as ahead`;
const FROM_ATTEMPTS = `select ${rows.ATTEMPT_COLUMNS} from attempt a join job j on j.id = a.job_id`;
const LIVE_ATTEMPTS = `${FROM_ATTEMPTS} where a.ended_at_ms is null order by a.offered_at_ms, a.id`;
const LIVE_OF_POD = `${FROM_ATTEMPTS} where a.pod_id = $1 and a.ended_at_ms is null
  order by a.offered_at_ms, a.id`;
const GET_ATTEMPT = `${FROM_ATTEMPTS} where a.id = $1`;
const LIST_ATTEMPTS = `${FROM_ATTEMPTS} where a.job_id = $1 order by a.no`;

const COUNT_UNSTARTED = `select count(*) as "unstarted" from attempt where job_id = $1
  and coalesce(reason, '') <> 'recalled'
  and no > coalesce((select max(no) from attempt where job_id = $1 and started_at_ms is not null), 0)`;

const PlaceColumns = z.object({ priority: BandColumn, createdAtMs: z.int(), state: z.enum(["queued", "assigned"]) });
const CountColumns = z.object({ before: z.int() });
const UnstartedColumns = z.object({ unstarted: z.int() });
const IdColumns = z.object({ id: JobId });

export function getJob(id: JobId): Transaction<JobRow | null> {
  return one(GET_JOB, [id], rows.JobColumns);
}

const FINAL_STATES = rows.STORED_JOB_STATES.filter((state) => isTerminal(visibleState(state)))
  .map((state) => `'${state}'`).join(", ");

export function* findFinal(ids: readonly JobId[]): Transaction<JobId[]> {
  const final: JobId[] = [];
  for (const { placeholders, values } of listChunks(ids, 1)) {
    const sql = `select id from job where id in (${placeholders}) and state in (${FINAL_STATES})`;
    final.push(...(yield* all(sql, values, IdColumns)).map(({ id }) => id));
  }
  return final;
}

export function* getSpec(id: JobId): Transaction<JobSpec | null> {
  return (yield* one(GET_SPEC, [id], rows.SpecColumns))?.spec ?? null;
}

export function* getSealedKey(id: JobId): Transaction<string | null> {
  return (yield* one(GET_SEALED_KEY, [id], SealedKey))?.sealed ?? null;
}

export function listEvents(id: JobId, afterVer: number): Transaction<EventRow[]> {
  return all(LIST_EVENTS, [id, afterVer], rows.EventColumns);
}

export function* listQueue(limit: number, range: QueueRange = {}): Transaction<QueuedJob[]> {
  const { after, exceptKeys = [], exceptWithPartnerKey = [] } = range;
  const place = after ? [bandOf(after.priority), after.createdAtMs, after.id] : [-1, 0, ""];
  const params: SqlValue[] = [yield* clock(), limit, ...place];
  let sql = LIST_QUEUE;
  for (const [keys, whose] of [[exceptKeys, ""], [exceptWithPartnerKey, "has_partner_key = 0 or "]] as const) {
    if (keys.length === 0) continue;
    const { placeholders, values } = filledList(keys, params.length + 1, EXCEPTED_SIZES);
    sql += ` and (${whose}placement_key not in (${placeholders}))`;
    params.push(...values);
  }
  return yield* all(`${sql} ${QUEUE_ORDER}`, params, rows.QueueColumns);
}

export function* queuePosition(id: JobId): Transaction<number | null> {
  const place = yield* one(QUEUE_PLACE, [id], PlaceColumns);
  if (place === null) return null;
  if (place.state === "assigned") return 0;
  const count = yield* one(COUNT_BEFORE, [bandOf(place.priority), place.createdAtMs, id], CountColumns);
  return count?.before ?? 0;
}

export function* getNeeds(placementKeys: readonly string[]): Transaction<Map<string, Needs>> {
  const needs = new Map<string, Needs>();
  for (const { placeholders, values } of listChunks(placementKeys, 1)) {
    const sql = `select placement_key as "placementKey", needs from placement where placement_key in (${placeholders})`;
    for (const row of yield* all(sql, values, rows.NeedsColumns)) needs.set(row.placementKey, row.needs);
  }
  return needs;
}

export function listLiveAttempts(podId?: PodId): Transaction<AttemptRow[]> {
  return podId === undefined
    ? all(LIVE_ATTEMPTS, [], rows.AttemptColumns)
    : all(LIVE_OF_POD, [podId], rows.AttemptColumns);
}

export function getAttempt(id: AttemptId): Transaction<AttemptRow | null> {
  return one(GET_ATTEMPT, [id], rows.AttemptColumns);
}

export function* countUnstarted(jobId: JobId): Transaction<number> {
  return (yield* one(COUNT_UNSTARTED, [jobId], UnstartedColumns))?.unstarted ?? 0;
}

export function listAttempts(jobId: JobId): Transaction<AttemptRow[]> {
  return all(LIST_ATTEMPTS, [jobId], rows.AttemptColumns);
}

/** Reading the events of all jobs in their one order. They are written with the job's row, by `job-writes.ts`. */
import { z } from "zod";
import { type JobId, TenantId } from "../../contracts/ids.ts";
import type { EventStore, FeedRow } from "./event-store.ts";
import { EVENT_COLUMNS, EventColumns } from "./job-rows.ts";
import { all, one, run, type Transaction } from "./transaction.ts";

const LAST_SEQ = `select max(seq) as "seq" from event`;
const LAST_REMOVED = `select max(seq) as "seq" from event_removed`;
const FEED = `select ${EVENT_COLUMNS}, seq, tenant_id as "tenantId" from event`;
const OF_ALL = `${FEED} where seq > $1 order by seq limit $2`;
const OF_TENANT = `${FEED} where tenant_id = $3 and seq > $1 order by seq limit $2`;

const SKIP = `update event_floor set seq = $1 +
  (select max(seq) from (select max(seq) as seq from event union all select seq from event_floor) as taken)`;
/** More than come between a copy and the end of the store it was made of, on all but the busiest edges. */
const SKIPPED = 10_000;

const NOTE_REMOVED = `insert into event_removed (tenant_id, seq)
  select tenant_id, max(seq) from event where job_id = $1 group by tenant_id
  on conflict (tenant_id) do update set seq = excluded.seq where excluded.seq > event_removed.seq`;

const SeqColumns = z.object({ seq: z.int().nullable() });
const FeedColumns: z.ZodType<FeedRow> = EventColumns.extend({ seq: z.int(), tenantId: TenantId });

export function* lastEventSeq(): Transaction<number> {
  return (yield* one(LAST_SEQ, [], SeqColumns))?.seq ?? 0;
}

export function* lastRemovedSeq(tenantId: TenantId | null): Transaction<number> {
  const found = tenantId === null
    ? yield* one(LAST_REMOVED, [], SeqColumns)
    : yield* one(`${LAST_REMOVED} where tenant_id = $1`, [tenantId], SeqColumns);
  return found?.seq ?? 0;
}

/** Before a job's events are removed. */
export function noteRemoved(id: JobId): Transaction<void> {
  return run(NOTE_REMOVED, [id]);
}

export function listFeed({ tenantId, afterSeq, limit }: Parameters<EventStore["listFeed"]>[0]): Transaction<FeedRow[]> {
  return tenantId === null
    ? all(OF_ALL, [afterSeq, limit], FeedColumns)
    : all(OF_TENANT, [afterSeq, limit, tenantId], FeedColumns);
}

/**
 * For the start of an edge: a store restored from a copy has lost its last events, and the number of one that was told must
 * not become another event's, because whoever saw it goes on after it.
 */
export function skipEventNumbers(): Transaction<void> {
  return run(SKIP, [SKIPPED]);
}

/**
 * The jobs of one tenant by age, all of them or those with some labels. A page costs the same however many jobs there are:
 * what few of them match is looked for a stretch at a time, and a page may end before it is full.
 */
import { z } from "zod";
import type { TenantId } from "../../contracts/ids.ts";
import { visibleState } from "../../contracts/job-state.ts";
import type { Page } from "../../contracts/page.ts";
import * as rows from "./job-rows.ts";
import type { JobRow, JobsPage } from "./job-store.ts";
import { cursorAt, OLDEST, pageOfRows, pageStart, type Place } from "./page-cursor.ts";
import { all, clock, one, type Transaction } from "./transaction.ts";

/** Jobs looked at for one page: some ten milliseconds at the most, in which the edge does nothing else. */
export const MAX_LOOKED_AT = 2_000;

/** The last job of the stretch that begins after `$2`, `$3`; for a label its key is `$4` and its value `$5`. */
const END_OF_JOBS = `select created_at_ms as "createdAtMs", id from job
  where tenant_id = $1 and (created_at_ms, id) < ($2, $3)
  order by created_at_ms desc, id desc limit 1 offset ${MAX_LOOKED_AT - 1}`;
const END_OF_LABELED = `select created_at_ms as "createdAtMs", job_id as "id" from job_label
  where tenant_id = $1 and (created_at_ms, job_id) < ($2, $3) and key = $4 and value = $5
  order by created_at_ms desc, job_id desc limit 1 offset ${MAX_LOOKED_AT - 1}`;

/** The parameters before the states and the labels. */
const FIXED = 7;
const STATES = rows.STORED_JOB_STATES.map((_, index) => `$${index + FIXED + 1}`).join(", ");
const KEPT = `(completed_at_ms is null or completed_at_ms > $5) and state in (${STATES})`;
const LIST_JOBS = `select ${rows.JOB_COLUMNS} from job
  where tenant_id = $1 and (created_at_ms, id) < ($2, $3) and (created_at_ms, id) >= ($6, $7) and ${KEPT}
  order by created_at_ms desc, id desc limit $4`;

/** The first label leads, through its index in the order of the list; each job found is asked for the others. */
function listLabeled(pairs: number): string {
  const first = FIXED + rows.STORED_JOB_STATES.length + 1;
  const others = Array.from({ length: pairs - 1 }, (_, index) => {
    const key = first + 2 * (index + 1);
    return `and exists (select 1 from job_label o where o.job_id = l.job_id and o.key = $${key} and o.value = $${
      key + 1
    })`;
  });
  return `select ${rows.JOB_COLUMNS} from job where id in (
    select l.job_id from job_label l join job on job.id = l.job_id
    where l.tenant_id = $1 and l.key = $${first} and l.value = $${first + 1}
      and (l.created_at_ms, l.job_id) < ($2, $3) and (l.created_at_ms, l.job_id) >= ($6, $7)
      and ${KEPT} ${others.join(" ")}
    order by l.created_at_ms desc, l.job_id desc limit $4)
  order by created_at_ms desc, id desc`;
}

const PlaceColumns = z.object({ createdAtMs: z.int(), id: z.string() });

/** Null when fewer jobs are left than one page looks at. */
function* endOfStretch(
  tenantId: TenantId,
  start: Place,
  label: [string, string] | undefined,
): Transaction<Place | null> {
  const from = [tenantId, start.createdAtMs, start.id];
  return label === undefined
    ? yield* one(END_OF_JOBS, from, PlaceColumns)
    : yield* one(END_OF_LABELED, [...from, ...label], PlaceColumns);
}

export function* listJobs(tenantId: TenantId, page: JobsPage, jobRetentionMs: number): Transaction<Page<JobRow>> {
  const start = pageStart(page, "newest_first");
  const wanted = rows.STORED_JOB_STATES.filter((state) => page.state?.includes(visibleState(state)) ?? true);
  // A list of one length, so that there is one text to prepare; an empty one would ask for no state at all.
  const states = rows.STORED_JOB_STATES.map((_, index) => wanted[index] ?? wanted[0] ?? "none");
  const keptSinceMs = (yield* clock()) - jobRetentionMs;
  const labels = Object.entries(page.metadata ?? {});
  const end = yield* endOfStretch(tenantId, start, labels[0]);
  const last = end ?? OLDEST;
  const params = [tenantId, start.createdAtMs, start.id, page.limit + 1, keptSinceMs, last.createdAtMs, last.id];
  const sql = labels.length === 0 ? LIST_JOBS : listLabeled(labels.length);
  const found = yield* all(sql, [...params, ...states, ...labels.flat()], rows.JobColumns);
  const { items, nextCursor } = pageOfRows(found, page.limit, (job) => job);
  return { items, nextCursor: nextCursor ?? (end && cursorAt(end)) };
}

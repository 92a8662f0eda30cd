/** The jobs of one tenant by age, all of them or those with some labels. */
import type { TenantId } from "../../contracts/ids.ts";
import { visibleState } from "../../contracts/job-state.ts";
import type { Page } from "../../contracts/page.ts";
import * as rows from "./job-rows.ts";
import type { JobRow, JobsPage } from "./job-store.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import { all, clock, type Transaction } from "./transaction.ts";

/** The parameters before the states and the labels. */
const FIXED = 5;
const STATES = rows.STORED_JOB_STATES.map((_, index) => `$${index + FIXED + 1}`).join(", ");
const KEPT = `(completed_at_ms is null or completed_at_ms > $5) and state in (${STATES})`;
const LIST_JOBS = `select ${rows.JOB_COLUMNS} from job
  where tenant_id = $1 and (created_at_ms, id) < ($2, $3) and ${KEPT}
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
      and (l.created_at_ms, l.job_id) < ($2, $3) and ${KEPT} ${others.join(" ")}
    order by l.created_at_ms desc, l.job_id desc limit $4)
  order by created_at_ms desc, id desc`;
}

export function* listJobs(tenantId: TenantId, page: JobsPage, jobRetentionMs: number): Transaction<Page<JobRow>> {
  const start = pageStart(page, "newest_first");
  const wanted = rows.STORED_JOB_STATES.filter((state) => page.state?.includes(visibleState(state)) ?? true);
  // A list of one length, so that there is one text to prepare; an empty one would ask for no state at all.
  const states = rows.STORED_JOB_STATES.map((_, index) => wanted[index] ?? wanted[0] ?? "none");
  const keptSinceMs = (yield* clock()) - jobRetentionMs;
  const params = [tenantId, start.createdAtMs, start.id, page.limit + 1, keptSinceMs, ...states];
  const labels = Object.entries(page.metadata ?? {});
  const sql = labels.length === 0 ? LIST_JOBS : listLabeled(labels.length);
  return pageOfRows(yield* all(sql, [...params, ...labels.flat()], rows.JobColumns), page.limit, (job) => job);
}

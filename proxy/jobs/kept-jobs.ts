/** A store without the jobs that are kept no longer: their rows stay for a while, and nobody is to meet them. */
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { Clock } from "../time/clock.ts";

type Reads = Pick<JobStore, "getJob" | "cancelJob">;

export function keptJobs<S extends Reads>(
  store: S,
  { clock, jobRetentionMs }: { clock: Pick<Clock, "nowMs">; jobRetentionMs: number },
): S {
  function kept(row: JobRow | null): JobRow | null {
    const isOver = row?.completedAtMs != null && row.completedAtMs + jobRetentionMs <= clock.nowMs();
    return isOver ? null : row;
  }
  const reads: Reads = {
    getJob: async (id) => kept(await store.getJob(id)),
    async cancelJob(input) {
      const moved = await store.cancelJob(input);
      return moved.status === "done" ? moved : { status: "stale", job: kept(moved.job) };
    },
  };
  const view: S = Object.create(store);
  return Object.assign(view, reads);
}

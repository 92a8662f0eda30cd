/** Asks for a job to end: a queued one at once, a running one when its pod has confirmed. Repeating changes nothing. */
import type { JobId, TenantId } from "../../contracts/ids.ts";
import type { Signals } from "../signals.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import { jobNotFound } from "./get.ts";

/** @throws FleetError `not_found` */
export async function cancelJob(
  { store, signals }: { store: Pick<JobStore, "cancelJob">; signals: Signals },
  tenantId: TenantId,
  jobId: JobId,
): Promise<JobRow> {
  const { status, job } = await store.cancelJob({ tenantId, jobId });
  if (job?.tenantId !== tenantId) throw jobNotFound(jobId);
  // The session of its pod listens too, and sends the order to the agent at once.
  if (status === "done" || job.state === "canceling") signals.emit("job", job);
  return job;
}

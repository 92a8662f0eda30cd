/** One job of the caller's tenant. */
import { FleetError } from "../../contracts/errors.ts";
import type { JobId, TenantId } from "../../contracts/ids.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";

/** The one answer for an unknown job and for another tenant's. */
export function jobNotFound(jobId: JobId): FleetError {
  return new FleetError("not_found", `Cannot find job '${jobId}'`, {
    hint: "Check the id; jobs.list shows the jobs of this API key's tenant.",
  });
}

/** @throws FleetError `not_found` */
export async function getOwnJob(store: Pick<JobStore, "getJob">, tenantId: TenantId, jobId: JobId): Promise<JobRow> {
  const row = await store.getJob(jobId);
  if (row?.tenantId !== tenantId) throw jobNotFound(jobId);
  return row;
}

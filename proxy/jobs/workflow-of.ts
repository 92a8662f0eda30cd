/** The graph behind a job. */
import { FleetError } from "../../contracts/errors.ts";
import type { JobId, TenantId } from "../../contracts/ids.ts";
import { findService, SERVICES } from "../../contracts/services/registry.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { JobStore } from "../store/job-store.ts";
import { getOwnJob, jobNotFound } from "./get.ts";
import { graphOf } from "./judge-spec.ts";

/** @throws FleetError `not_found`; `conflict` for a service that is built otherwise now, or no longer at all */
export async function workflowOf(
  store: Pick<JobStore, "getJob" | "getSpec">,
  tenantId: TenantId,
  jobId: JobId,
): Promise<Workflow> {
  const { service } = await getOwnJob(store, tenantId, jobId);
  const known = service && findService(service.id);
  if (service && (!known || SERVICES[known].version !== service.version)) {
    throw new FleetError("conflict", `Cannot show the workflow of job '${jobId}': this edge cannot build it any more`, {
      hint: `The job is of service '${service.id}', version ${service.version}.`,
    });
  }
  const spec = await store.getSpec(jobId);
  if (spec === null) throw jobNotFound(jobId);
  return graphOf(spec);
}

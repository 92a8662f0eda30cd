/**
 * Asks for a job to end: a queued one at once, one that waits on a pod when that has given it back, a running one when its
 * pod has confirmed. Repeating changes nothing.
 */
import type { JobId, TenantId } from "../../contracts/ids.ts";
import type { Signals } from "../signals.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import { jobNotFound } from "./get.ts";
import type { Settlement } from "./port.ts";

export interface CancelOptions {
  store: Pick<JobStore, "cancelJob" | "getJob" | "listAttempts">;
  settlement: Pick<Settlement, "recall">;
  signals: Signals;
}

/** @throws FleetError `not_found` */
export async function cancelJob(options: CancelOptions, tenantId: TenantId, jobId: JobId): Promise<JobRow> {
  const { status, job } = await options.store.cancelJob({ tenantId, jobId });
  if (job?.tenantId !== tenantId) throw jobNotFound(jobId);
  // The session of its pod listens too, and sends the order to the agent at once.
  if (status === "done" || job.state === "canceling") options.signals.emit("job", job);
  return status === "done" && job.state === "canceling" ? await takeBack(options, job) : job;
}

/** Its caller sees it queued, and a queued job is canceled at once: one that no ComfyUI has needs no more than a call. */
async function takeBack({ store, settlement }: CancelOptions, job: JobRow): Promise<JobRow> {
  const attempt = (await store.listAttempts(job.id)).find(({ no }) => no === job.attempt);
  if (attempt?.state !== "offered") return job;
  await settlement.recall({ podId: attempt.podId, attemptId: attempt.id });
  return await store.getJob(job.id) ?? job;
}

/** A final job once more: a new job of the same spec, seed and bounds, judged against the fleet of now. */
import type { z } from "zod";
import { formatTraceparent, type TraceContext } from "../../contracts/telemetry/trace-context.ts";
import type { RetryJob } from "../../contracts/edge/inputs.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { TenantId } from "../../contracts/ids.ts";
import { isTerminal, visibleState } from "../../contracts/job-state.ts";
import { JobSpec } from "../../contracts/job.ts";
import { findService, SERVICES } from "../../contracts/services/registry.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import { getOwnJob } from "./get.ts";
import { hashRetry } from "./request-hash.ts";
import { acceptJob, earlierSubmission, ownKey, type Submission, type Submitter } from "./submit.ts";

export interface Retrier extends Submitter {
  store: Submitter["store"] & Pick<JobStore, "getJob" | "getSpec">;
}

function notFinal({ id, state }: JobRow): FleetError {
  return new FleetError("conflict", `Cannot retry job '${id}': it is ${visibleState(state)}`, {
    hint: "Only a final job can be retried: wait for its end, or cancel it first.",
  });
}

/** A graph of another version of the service would be another job under the same name. */
function refuseOtherVersion({ id, service }: JobRow): void {
  const known = service && findService(service.id);
  if (!service || (known && SERVICES[known].version === service.version)) return;
  const now = known ? `now has version ${SERVICES[known].version}` : "is no longer served";
  throw new FleetError("conflict", `Cannot retry job '${id}': service '${service.id}' ${now}`, {
    hint: `The job is of version ${service.version}; submit its input again.`,
  });
}

/**
 * @throws FleetError `not_found`, `conflict` (not final; another version of its service), `idempotency_key_reuse`, and what
 * submitting its spec now throws
 */
export async function retryJob(
  retrier: Retrier,
  { tenantId, trace }: { tenantId: TenantId; trace?: TraceContext | undefined },
  { jobId, idempotencyKey }: z.output<typeof RetryJob>,
): Promise<Submission> {
  const idempotency = ownKey(idempotencyKey);
  const requestSha256 = hashRetry(jobId);
  const earlier = await earlierSubmission(retrier.store, { tenantId, idempotency, requestSha256 });
  if (earlier) return { row: earlier, waiting: null, replayed: true };
  const row = await getOwnJob(retrier.store, tenantId, jobId);
  if (!isTerminal(row.state)) throw notFinal(row);
  refuseOtherVersion(row);
  // What an earlier build accepted is new to this one.
  const spec = JobSpec.parse(await retrier.store.getSpec(jobId));
  return await acceptJob(retrier, {
    tenantId,
    spec,
    idempotency,
    requestSha256,
    priority: row.priority,
    startWithinMs: row.startByMs === null ? null : row.startByMs - row.createdAtMs,
    runWithinMs: row.runWithinMs,
    retryOf: jobId,
    metadata: row.metadata,
    traceparent: trace === undefined ? null : formatTraceparent(trace),
  });
}

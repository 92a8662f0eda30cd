import type { JobRow } from "../../../../proxy/store/job-store.ts";
import { jobId, tenantId } from "./ids.ts";

/** A queued job as stored, but for the given fields. */
export function jobRow(fields: Partial<JobRow> = {}): JobRow {
  return {
    id: jobId(1),
    tenantId: tenantId(1),
    service: null,
    state: "queued",
    priority: "normal",
    placementKey: "key",
    ver: 1,
    attempt: 0,
    losses: 0,
    podId: null,
    cancelRequested: false,
    createdAtMs: 1_000_000,
    startedAtMs: null,
    completedAtMs: null,
    runAfterMs: 0,
    startByMs: null,
    runWithinMs: 3_600_000,
    retryOf: null,
    winner: null,
    outputs: [],
    error: null,
    receipt: null,
    traceparent: null,
    hasPartnerKey: false,
    metadata: {},
    usesAssets: false,
    ...fields,
  };
}

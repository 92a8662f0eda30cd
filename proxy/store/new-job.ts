/** A job before it is stored. */
import type { AttemptId, BootId, JobId, PodId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { JobSpec, Priority } from "../../contracts/job.ts";
import type { Metadata } from "../../contracts/metadata.ts";
import type { ServiceUse } from "../../contracts/services/spec.ts";

/** What a graph needs of a pod, derived from it at submit. Jobs with equal needs share a `placementKey`. */
export interface Needs {
  /** Sorted, unique class types. */
  classes: string[];
  /** Sorted model names by the input that asks for them; a pod must list the name among that input's options. */
  models: { classType: string; input: string; name: string }[];
  /** Sorted hashes of `/object_info` bodies that have every class and refuse the graph; absent when there are none. */
  refusedBy?: string[] | undefined;
}

export interface NewJob {
  id: JobId;
  tenantId: TenantId;
  spec: JobSpec;
  /** Null for a workflow. */
  service: ServiceUse | null;
  placementKey: string;
  needs: Needs;
  priority: Priority;
  /**
   * `space` separates the key spaces of tRPC and the Comfy API v2. In `trpc` a key is kept as long as its job, in `v2` for
   * 24 h, and there even the same request is refused unless it asks for a replay.
   */
  idempotency: { space: "trpc"; key: string } | { space: "v2"; key: string; replay: boolean } | null;
  /** sha256 over RFC 8785 JSON of the parsed request. */
  requestSha256: Sha256;
  startWithinMs: number | null;
  runWithinMs: number;
  /** The final job of the same tenant whose spec this is; null for a spec of its own. */
  retryOf: JobId | null;
  /** W3C trace context of the submit, which attempts and receipt belong to; null without one. */
  traceparent: string | null;
  /** The partner key that it came with, sealed for its id; null without one. */
  sealedKey: string | null;
  /** Empty for none. */
  metadata: Metadata;
  /** What the graph refers to; held until the job is final. */
  assetIds: readonly string[];
  /** How many jobs of the tenant may be queued, with this one. */
  maxQueued: number;
  /** What is to be assigned with it, in the same commit, where the pod still takes work; null or absent: it is queued. */
  assignment?: NewAttempt | null;
}

/** An attempt that the planner has decided on. */
export interface NewAttempt {
  attemptId: AttemptId;
  podId: PodId;
  bootId: BootId;
  graphSha256: Sha256;
}

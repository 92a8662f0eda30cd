/** Jobs as the edge's routes have them, and the seams inside the job path: planner → dispatcher → pod → settlement. */
import type { z } from "zod";
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { WatchJob } from "../../contracts/edge/inputs.ts";
import type { JobsPort, Tracked } from "../../contracts/edge/ports.ts";
import type { JobEvent } from "../../contracts/event.ts";
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";
import type { Job, SubmitJob } from "../../contracts/job.ts";
import type { TraceContext } from "../../contracts/telemetry/trace-context.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { LivePod } from "../pods/port.ts";
import type { JobRow } from "../store/job-store.ts";
import type { NewAttempt, NewJob } from "../store/new-job.ts";

/**
 * How a dispatch ended, as far as the planner learns from it:
 * - `started`: the agent has it; one that is sent ahead runs later.
 * - `given_back`: the pod could not take it just then.
 * - `not_taken`: the pod has not taken it for a reason that should not occur.
 * - `refused`: the pod's body refuses the job's graph, and another's may not; the job stands where it stood.
 * - `unmoved`: somebody was first, or nothing could be decided; the job stands where it stood.
 * - `ended`: the job is over, or the pod's session finds out what became of it.
 */
export type DispatchEnd = "started" | "given_back" | "not_taken" | "refused" | "unmoved" | "ended";

/** Carries out one decision of the planner: compile for the pod, assign by compare-and-set, start on the agent. */
export interface Dispatcher {
  /**
   * Resolves once the offer is settled one way or the other (running, given back, or stale); never rejects. An
   * unanswered start is asked for with `attempts.get` before the job is given back.
   */
  dispatch(decision: { jobId: JobId; ver: number; pod: LivePod; after: AttemptId | null }): Promise<DispatchEnd>;
  /**
   * The attempt of a job that is about to be stored, compiled for a free slot of this pod; null where anything about it
   * needs a second look, which the queue brings. Never rejects.
   */
  prepare(job: Pick<NewJob, "id" | "tenantId" | "spec">, pod: LivePod): Promise<PreparedAttempt | null>;
}

/** Exactly one of `start` and `drop` is called. */
export interface PreparedAttempt {
  assignment: NewAttempt;
  /** The store has the job with this attempt: like `dispatch` from there on. */
  start(job: JobRow): Promise<DispatchEnd>;
  drop(): void;
}

/** A pod's free slot for a job that is about to be stored. */
export interface Claim {
  assignment: NewAttempt;
  /** Called once. @param job as it is stored; null where it is not */
  settle(job: JobRow | null): void;
}

/** A job that comes while nothing waits is stored and assigned in one commit. */
export interface Claims {
  /** Null: it takes its place in the queue. Never rejects. */
  claim(job: Pick<NewJob, "id" | "tenantId" | "spec" | "priority" | "placementKey">): Promise<Claim | null>;
}

/** What is known of attempts whose ComfyUI is done: from then on time is the edge's to spend, not the job's. */
export interface RenderedAttempts {
  /** Whether the pod's last word was that it collects, or has collected, and the outputs are not stored yet. */
  isRendered(attempt: { id: AttemptId; podId: PodId }): boolean;
}

/** Results that this edge is bringing home. Another edge's planner knows nothing of them, and may run a job once more. */
export interface LandingResults {
  /** The pod from which the result of the job is coming; null when none is, or it has taken too long. */
  landingFrom(jobId: JobId): PodId | null;
}

/** Takes what an agent says about an attempt and moves the job accordingly; idempotent, never rejects. */
export interface Settlement {
  /** The store has it running: until its end, what the pod says of it changes nothing there. */
  begun(attempt: { id: AttemptId; podId: PodId; jobId: JobId; no: number }): void;
  settle(podId: PodId, report: AttemptReport): Promise<void>;
  /**
   * Takes a look-ahead back from its agent, and puts its job into the queue at once. Without effect on one that its agent
   * has begun with, or whose pod does not answer. Never rejects.
   */
  recall(attempt: { podId: PodId; attemptId: AttemptId }): Promise<void>;
  /** The pod does not know this attempt any more, or the pod itself is lost. */
  lost(attempt: { id: AttemptId; jobId: JobId; no: number; podId: PodId }, reason: string): Promise<void>;
}

/** What comes with a submit beside its body. */
export interface SubmitContext {
  /** That the job belongs to from here on. */
  trace?: TraceContext | undefined;
  /**
   * In the key space of the Comfy API v2, where a key is free again after 24 h, and at once when its submit made no job. It
   * takes the place of `options.idempotencyKey`.
   */
  idempotency?: { space: "v2"; key: string; replay: boolean } | undefined;
  /** For partner nodes; never part of the request's hash. */
  partnerKey?: string | undefined;
  /**
   * Puts our ids into the graph, as the tenant's assets are now. The key is held against the graph as it came, and looked up
   * first, so that a request that is sent again finds its job whatever has become of the assets.
   */
  resolveAssets?: ((workflow: Workflow) => Promise<Workflow>) | undefined;
}

/** What the Comfy API v2 asks of jobs beyond the typed contract. Unknown and foreign ids get `not_found` here too. */
export interface Jobs extends JobsPort {
  /**
   * Answers after the job is durable. A key that was used within 24 h is `idempotency_key_reuse`, whatever it came with; with
   * `replay` the same request gets the first job (`replayed`), and only another request is refused.
   * @throws FleetError `queue_full` with `retryAfterMs`, and what `submit` throws
   */
  submitV2(caller: Caller, input: SubmitJob, context: SubmitContext): Promise<{ job: Job; replayed: boolean }>;
  /** How many queued jobs of all tenants stand before it, 1,000 for more; 0 while it is being given to a pod; null once it runs or is over. */
  queuePosition(jobId: JobId): Promise<number | null>;
  /** The graph that the job runs, assets by their ids. A service's is built from its stored input. */
  workflowOf(caller: Caller, jobId: JobId): Promise<Workflow>;
  /** @param input.progressIntervalMs least time between two progress events and two previews; by default 200 */
  watch(
    caller: Caller,
    input: z.output<typeof WatchJob> & { progressIntervalMs?: number | undefined },
    signal: AbortSignal,
  ): AsyncIterable<Tracked<JobEvent>>;
}

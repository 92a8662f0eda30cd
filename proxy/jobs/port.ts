/** Seams inside the edge's job path: planner → dispatcher → pod → settlement. */
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { AttemptId, JobId, PodId } from "../../contracts/ids.ts";
import type { LivePod } from "../pods/port.ts";

/**
 * How a dispatch ended, as far as the planner learns from it:
 * - `started`: the agent has it.
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
  dispatch(decision: { jobId: JobId; ver: number; pod: LivePod }): Promise<DispatchEnd>;
}

/** What is known of attempts whose ComfyUI is done: from then on time is the edge's to spend, not the job's. */
export interface RenderedAttempts {
  /** Whether the pod's last word was that it collects, or has collected, and the outputs are not stored yet. */
  isRendered(attempt: { id: AttemptId; podId: PodId }): boolean;
}

/** Takes what an agent says about an attempt and moves the job accordingly; idempotent, never rejects. */
export interface Settlement {
  /** The store has it running: until its end, what the pod says of it changes nothing there. */
  begun(attempt: { id: AttemptId; podId: PodId; jobId: JobId; no: number }): void;
  settle(podId: PodId, report: AttemptReport): Promise<void>;
  /** The pod does not know this attempt any more, or the pod itself is lost. */
  lost(attempt: { jobId: JobId; no: number; podId: PodId }, reason: string): Promise<void>;
}

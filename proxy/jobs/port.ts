/** Seams inside the edge's job path: planner → dispatcher → pod → settlement. */
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { LivePod } from "../pods/port.ts";

/** Carries out one decision of the planner: compile for the pod, assign by compare-and-set, start on the agent. */
export interface Dispatcher {
  /**
   * Resolves once the offer is settled one way or the other (running, given back, or stale); never rejects. An
   * unanswered start is asked for with `attempts.get` before the job is given back.
   */
  dispatch(decision: { jobId: JobId; ver: number; pod: LivePod }): Promise<void>;
}

/** Takes what an agent says about an attempt and moves the job accordingly; idempotent, never rejects. */
export interface Settlement {
  settle(podId: PodId, report: AttemptReport): Promise<void>;
  /** The pod does not know this attempt any more, or the pod itself is lost. */
  lost(attempt: { jobId: JobId; no: number; podId: PodId }, reason: string): Promise<void>;
}

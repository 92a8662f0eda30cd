/** Why a job has no pod yet, by the planner's last look at the queue. */
import type { JobId } from "../../contracts/ids.ts";
import type { Waiting } from "../../contracts/job.ts";
import type { QueuedJob } from "../store/job-store.ts";
import type { JobKind, QueueRead } from "./read-queue.ts";

const STARTING: Waiting = { reason: "starting", message: "A pod was chosen and is being given the job." };

const LANDING: Waiting = {
  reason: "retrying",
  message: "A pod that was given up for lost is back with its result, which is being brought home.",
};

function behind(jobs: number): Waiting {
  return { reason: "pods_busy", message: `At least ${jobs} jobs are before it.` };
}

export type ExplainedJob = Pick<QueuedJob, "id"> & JobKind;

export interface Sight {
  /** Null before the first look. */
  seen: QueueRead | null;
  isLanding(jobId: JobId): boolean;
  /** Under way to a pod. */
  isStarting(jobId: JobId): boolean;
  /** Of a job that is ahead on a pod; null for any other. */
  ahead(jobId: JobId): Waiting | null;
}

/** What the last look made of a job that it may not have seen; null where nothing is known. */
export function explain(job: ExplainedJob, { seen, isLanding, isStarting, ahead }: Sight): Waiting | null {
  if (isLanding(job.id)) return seen && LANDING;
  if (isStarting(job.id)) return STARTING;
  if (!seen) return null;
  const { decision, isPassed, truncated, jobs } = seen;
  const own = decision.waiting.get(job.id) ?? ahead(job.id);
  if (own) return own;
  if (isPassed(job)) return decision.explain(job);
  return truncated ? behind(jobs) : null;
}

/**
 * Reads as much of the queue as a plan needs: its head, and further while slots stay idle. Jobs of a kind for which no
 * slot is left, or which no pod can run, are read past, so that however many there are they hide nobody behind them.
 */
import type { JobId } from "../../contracts/ids.ts";
import type { Waiting } from "../../contracts/job.ts";
import { type JobStore, MAX_EXCEPTED_KEYS, type QueuedJob } from "../store/job-store.ts";
import type { Plan } from "./policy.ts";

/** What decides where a job may go, beside what was learned of it alone: a partner key keeps it from older agents. */
export type JobKind = Pick<QueuedJob, "placementKey" | "hasPartnerKey">;

export interface Decision extends Omit<Plan, "explain"> {
  /** Slots that would take more than this plan gives them. */
  idle: boolean;
  /** Why any other job of this kind would wait, were it behind those of the queue. */
  explain: (kind: JobKind) => Waiting;
}

export interface QueueReading {
  store: Pick<JobStore, "listQueue">;
  /** Jobs of the first part; each further one is four times as long. */
  limit: number;
  /** Jobs read at most. */
  maxJobs: number;
  /** Placement keys to leave out from the start. */
  except: ReadonlySet<string>;
  /** Makes {@link QueueReading.decide} answer without I/O for these too. */
  prepare: (part: readonly QueuedJob[]) => Promise<void>;
  decide: (queue: readonly QueuedJob[]) => Decision;
  /** Whether the job goes only where not every other of its kind goes. */
  isPicky: (jobId: JobId) => boolean;
}

export interface QueueRead {
  decision: Decision;
  jobs: number;
  /** There may be more than what was read, beside what was left out. */
  truncated: boolean;
  /** Whether jobs of this kind were left out of the whole or of the rest. */
  isPassed: (kind: JobKind) => boolean;
}

/** No I/O is awaited between the last decision and the return. @throws what the store throws */
export async function readQueue(reading: QueueReading): Promise<QueueRead> {
  const { store, maxJobs, prepare, decide, isPicky } = reading;
  const passed = new Set(reading.except);
  /** Placement keys of which only the jobs with a partner key were left out. */
  const passedWithKey = new Set<string>();
  const isPassed = ({ placementKey, hasPartnerKey }: JobKind) =>
    passed.has(placementKey) || (hasPartnerKey && passedWithKey.has(placementKey));
  const queue: QueuedJob[] = [];
  for (let { limit } = reading;; limit = Math.min(limit * 4, maxJobs - queue.length)) {
    const part = await store.listQueue(limit, {
      after: queue.at(-1),
      exceptKeys: [...passed],
      exceptWithPartnerKey: [...passedWithKey],
    });
    queue.push(...part);
    await prepare(part);
    const decision = decide(queue);
    const truncated = part.length >= limit;
    if (!truncated || !decision.idle || queue.length >= maxJobs) {
      return { decision, jobs: queue.length, truncated, isPassed };
    }
    for (const { id, placementKey, hasPartnerKey } of queue) {
      const kinds = hasPartnerKey ? passedWithKey : passed;
      if (kinds.size < MAX_EXCEPTED_KEYS && decision.waiting.has(id) && !isPicky(id)) kinds.add(placementKey);
    }
  }
}

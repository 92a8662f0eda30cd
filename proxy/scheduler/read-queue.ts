/**
 * Reads as much of the queue as a plan needs: its head, and further while slots stay idle. Jobs of a kind for which no
 * slot is left, or which no pod can run, are read past, so that however many there are they hide nobody behind them.
 */
import type { JobId } from "../../contracts/ids.ts";
import { type JobStore, MAX_EXCEPTED_KEYS, type QueuedJob } from "../store/job-store.ts";
import type { Plan } from "./policy.ts";

export interface Decision extends Plan {
  /** Slots that would take more than this plan gives them. */
  idle: boolean;
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
  /** Whether the job goes only where not every other of its placement key goes. */
  isPicky: (jobId: JobId) => boolean;
}

export interface QueueRead {
  decision: Decision;
  jobs: number;
  /** There may be more than what was read, beside what was left out. */
  truncated: boolean;
  /** Placement keys whose jobs were left out of the whole or of the rest. */
  passed: ReadonlySet<string>;
}

/** No I/O is awaited between the last decision and the return. @throws what the store throws */
export async function readQueue(reading: QueueReading): Promise<QueueRead> {
  const { store, maxJobs, prepare, decide, isPicky } = reading;
  const passed = new Set(reading.except);
  const queue: QueuedJob[] = [];
  for (let { limit } = reading;; limit = Math.min(limit * 4, maxJobs - queue.length)) {
    const part = await store.listQueue(limit, { after: queue.at(-1), exceptKeys: [...passed] });
    queue.push(...part);
    await prepare(part);
    const decision = decide(queue);
    const truncated = part.length >= limit;
    if (!truncated || !decision.idle || queue.length >= maxJobs) {
      return { decision, jobs: queue.length, truncated, passed };
    }
    for (const { id, placementKey } of queue) {
      if (passed.size >= MAX_EXCEPTED_KEYS) break;
      if (decision.waiting.has(id) && !isPicky(id)) passed.add(placementKey);
    }
  }
}

/** The last progress of running jobs, for `jobs.get` and `jobs.list`: best effort, in memory, bounded. */
import type { JobId } from "../../contracts/ids.ts";
import type { Progress } from "../../contracts/progress.ts";

export interface LastProgress {
  /** Ignored when it tells of less than is known: two sources feed it, and the slower one must not take anything back. */
  set(jobId: JobId, attempt: number, progress: Progress): void;
  /** Null for another attempt than the one that reported. */
  get(jobId: JobId, attempt: number): Progress | null;
  drop(jobId: JobId): void;
}

/** @param capacity jobs kept; the longest silent goes first */
export function createLastProgress(capacity = 10_000): LastProgress {
  const entries = new Map<JobId, { attempt: number; progress: Progress }>();
  return {
    set(jobId, attempt, progress) {
      const before = entries.get(jobId);
      if (before && before.attempt > attempt) return;
      if (before?.attempt === attempt && before.progress.value > progress.value) return;
      entries.delete(jobId);
      entries.set(jobId, { attempt, progress });
      const [oldest] = entries.keys();
      if (entries.size > capacity && oldest !== undefined) entries.delete(oldest);
    },
    get(jobId, attempt) {
      const entry = entries.get(jobId);
      return entry?.attempt === attempt ? entry.progress : null;
    },
    drop: (jobId) => void entries.delete(jobId),
  };
}

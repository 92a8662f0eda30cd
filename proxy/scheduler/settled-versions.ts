/** Versions of jobs whose dispatch settled without the job moving on: not offered again before the next poll. */
import type { JobId } from "../../contracts/ids.ts";
import type { Clock } from "../time/clock.ts";

export interface SettledVersions {
  add(jobId: JobId, ver: number): void;
  /** Also past its time, until the next {@link SettledVersions.forget}. */
  has(jobId: JobId, ver: number): boolean;
  /** Those whose time has passed. */
  forget(): void;
}

/** @param forMs for how long each is kept */
export function createSettledVersions(clock: Clock, forMs: number): SettledVersions {
  /** The oldest first, as all are kept for the same time. */
  const entries = new Map<JobId, { ver: number; untilMs: number }>();
  return {
    add(jobId, ver) {
      entries.delete(jobId);
      entries.set(jobId, { ver, untilMs: clock.monotonicMs() + forMs });
    },
    has: (jobId, ver) => entries.get(jobId)?.ver === ver,
    forget() {
      const nowMs = clock.monotonicMs();
      for (const [jobId, { untilMs }] of entries) {
        if (untilMs > nowMs) return;
        entries.delete(jobId);
      }
    },
  };
}

/**
 * The look-aheads that wait on the pods, since when, and those of them that the policy may call back. One that waits
 * for a moment only is left alone: its slot frees sooner than it would be anywhere else.
 */
import type { AttemptId, JobId } from "../../contracts/ids.ts";
import type { Waiting as WhyWaiting } from "../../contracts/job.ts";
import type { LivePod, LookAhead } from "../pods/port.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { Clock } from "../time/clock.ts";
import type { Callable } from "./policy.ts";

export interface LookAheads {
  /** Takes up which there are now, and reads the jobs of those that have waited. @throws what the store throws */
  read(pods: readonly Pick<LivePod, "id" | "name" | "ahead">[]): Promise<void>;
  callable(): Callable[];
  /** Whether any waits. */
  any(): boolean;
  /** In words for people; null for a job that is no look-ahead. */
  explain(jobId: JobId): WhyWaiting | null;
  /** The agent has not given it back: it is left alone for a while. */
  refused(attemptId: AttemptId): void;
  /** Until the next one of those that wait may be called back; Infinity without one. */
  nextInMs(): number;
}

interface Waiting extends LookAhead {
  podId: LivePod["id"];
  dueMs: number;
  /** Null until it is due, and for one whose job is not to wait there any more. */
  job: JobRow | null;
}

/** Far longer than a slot is free between two jobs, and than a call takes; short beside a job of seconds. */
export const CALLABLE_AFTER_MS = 250;
/** After one that could not be called back. */
const REST_MS = 5_000;

export function createLookAheads(store: Pick<JobStore, "getJob">, clock: Clock): LookAheads {
  let waiting = new Map<AttemptId, Waiting>();
  let podNames = new Map<JobId, string>();

  function isDue({ dueMs }: Waiting): boolean {
    return dueMs <= clock.monotonicMs();
  }

  return {
    async read(pods) {
      const firstDueMs = clock.monotonicMs() + CALLABLE_AFTER_MS;
      const now = pods.flatMap(({ id: podId, ahead }) =>
        ahead.map((one) => waiting.get(one.attemptId) ?? { ...one, podId, dueMs: firstDueMs, job: null })
      );
      waiting = new Map(now.map((one) => [one.attemptId, one]));
      podNames = new Map(pods.flatMap(({ name, ahead }) => ahead.map(({ jobId }) => [jobId, name])));
      for (const one of waiting.values()) {
        if (isDue(one)) one.job ??= await store.getJob(one.jobId);
      }
    },
    any: () => waiting.size > 0,
    callable: () =>
      [...waiting.values()].flatMap((one) => {
        const { attemptId, jobId, podId, job } = one;
        if (job === null || !isDue(one)) return [];
        const isLate = job.startByMs !== null && job.startedAtMs === null && job.startByMs <= clock.nowMs();
        return [{ attemptId, jobId, podId, job, isLate }];
      }),
    explain(jobId) {
      const name = podNames.get(jobId);
      if (name === undefined) return null;
      return { reason: "pods_busy", message: `It is next on pod '${name}', which runs another job.` };
    },
    refused(attemptId) {
      const one = waiting.get(attemptId);
      if (one) one.dueMs = clock.monotonicMs() + REST_MS;
    },
    nextInMs() {
      const nowMs = clock.monotonicMs();
      return Math.min(...[...waiting.values()].map(({ dueMs }) => dueMs > nowMs ? dueMs - nowMs : Infinity));
    },
  };
}

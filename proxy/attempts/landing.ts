/**
 * Results that are on their way home, by job. A job that was queued again because its pod was lost is worth no second run
 * while the pod is back and the first one's result is being brought in.
 */
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { JobId, PodId } from "../../contracts/ids.ts";
import type { Clock } from "../time/clock.ts";

/** One report, under the name by which its attempt is known. */
export interface Heard {
  key: string;
  podId: PodId;
  report: Pick<AttemptReport, "jobId" | "state">;
}

export interface Landing {
  /** Before anything is awaited for it, so that whoever plans meanwhile knows. */
  heard(what: Heard): void;
  /**
   * Nothing more is done about the report for now. A result that is not home then is not on its way either; one that the
   * agent still hashes (`collecting`) is.
   */
  settled(what: Heard): void;
  /** The report was not this pod's to bring. */
  ignored(what: Heard): void;
  /** The pod from which the job's result is coming. */
  from(jobId: JobId): PodId | null;
}

/** For how long a job is kept for its result at the most, since the first word of it in this state. */
const LIMIT_MS = { collecting: 30_000, succeeded: 600_000 };
/** Jobs that are remembered; one that is forgotten may run once too often. */
const MAX_JOBS = 10_000;

interface Coming {
  key: string;
  podId: PodId;
  state: keyof typeof LIMIT_MS;
  /** Of the monotonic clock. */
  untilMs: number;
}

export function createLanding(clock: Pick<Clock, "monotonicMs">): Landing {
  /** Oldest first. */
  const jobs = new Map<JobId, Coming>();
  const isOver = ({ untilMs }: Coming) => clock.monotonicMs() >= untilMs;

  function drop({ key, report: { jobId } }: Heard): void {
    if (jobs.get(jobId)?.key === key) jobs.delete(jobId);
  }

  return {
    heard(what) {
      const { key, podId, report: { jobId, state } } = what;
      if (state !== "collecting" && state !== "succeeded") return drop(what);
      const known = jobs.get(jobId);
      // The first of two that bring the same job's result; and an agent that repeats itself wins no time.
      if (known && (known.key === key ? known.state === state : !isOver(known))) return;
      jobs.delete(jobId);
      jobs.set(jobId, { key, podId, state, untilMs: clock.monotonicMs() + LIMIT_MS[state] });
      const [oldest] = jobs.keys();
      if (jobs.size > MAX_JOBS && oldest !== undefined) jobs.delete(oldest);
    },
    settled(what) {
      if (what.report.state !== "collecting") drop(what);
    },
    ignored: drop,
    from(jobId) {
      const coming = jobs.get(jobId);
      return coming && !isOver(coming) ? coming.podId : null;
    },
  };
}

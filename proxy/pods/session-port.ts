/** What a pod's session is given, and the seam between one session and the set of them. */
import type { EdgeId, JobId, PodId } from "../../contracts/ids.ts";
import type { Settlement } from "../jobs/port.ts";
import type { Signals } from "../signals.ts";
import type { JobStore } from "../store/job-store.ts";
import type { PodStore } from "../store/pod-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { ConditionChange } from "./conditions.ts";
import type { Offers } from "./offers.ts";
import type { Agents, LivePod } from "./port.ts";
import type { PodTimings } from "./timings.ts";

export interface SessionDeps {
  store: PodStore & Pick<JobStore, "listLiveAttempts" | "getAttempt" | "getJob"> & { now(): Promise<number> };
  agents: Agents;
  offers: Offers;
  settlement: Settlement;
  signals: Signals;
  clock: Clock;
  timings: PodTimings;
  logger: Logger;
  edgeId: EdgeId;
  /** More that the edge itself can tell of a pod that answers. Default: nothing. */
  toldByEdge?: ((podId: PodId) => readonly ConditionChange[]) | undefined;
}

export interface PodSession {
  /** Null while this edge does not hold the session or has had no answer in it. */
  live(): LivePod | null;
  /** Whether the job has an attempt on this pod, as far as this session knows. */
  hasJob(jobId: JobId): boolean;
  beatNow(): void;
  /** Resolves when the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

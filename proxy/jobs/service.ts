/** Jobs as the edge's contract offers them: each method delegates to the file of its name. */
import type { Job, Waiting } from "../../contracts/job.ts";
import type { BlobStore } from "../assets/port.ts";
import type { Clock } from "../time/clock.ts";
import type { Agents } from "../pods/port.ts";
import type { SealedBox } from "../secrets/sealed-box.ts";
import type { Signals } from "../signals.ts";
import type { JobRow, JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { cancelJob } from "./cancel.ts";
import { createFinals } from "./finals.ts";
import { getOwnJob } from "./get.ts";
import { createHub } from "./hub.ts";
import { jobView } from "./job-view.ts";
import { withInlineOutputs } from "./inline-outputs.ts";
import type { LastProgress } from "./last-progress.ts";
import { keptJobs } from "./kept-jobs.ts";
import { listJobs } from "./list.ts";
import type { ObjectInfoCache } from "./object-info-cache.ts";
import type { Claims, Jobs, Settlement } from "./port.ts";
import { retryJob } from "./retry.ts";
import { submitJob, type SubmitLimits } from "./submit.ts";
import { watchJob } from "./watch.ts";
import { workflowOf } from "./workflow-of.ts";

export interface JobsOptions {
  store: Pick<
    JobStore,
    | "submitJob"
    | "findSubmission"
    | "findFinal"
    | "getJob"
    | "getSpec"
    | "listJobs"
    | "cancelJob"
    | "listEvents"
    | "listAttempts"
    | "queuePosition"
  >;
  agents: Pick<Agents, "watchAttempt">;
  settlement: Pick<Settlement, "recall">;
  /** Says why a job waits. */
  planner: { waitingFor(job: Pick<JobRow, "id" | "placementKey" | "hasPartnerKey">): Waiting | null };
  objectInfo: Pick<ObjectInfoCache, "known">;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  lastProgress: LastProgress;
  blobs: Pick<BlobStore, "read">;
  box: Pick<SealedBox, "seal">;
  limits: SubmitLimits;
  claims: Claims;
  /** How long final jobs are kept. */
  jobRetentionMs: number;
  /** The seed of a service that was asked for none. Default: drawn by the runtime. */
  randomSeed?: () => number;
  /** Longest time until a watcher sees what no hint told of. Default 1,000. */
  pollMs?: number;
  /** How long a run goes on before its own stream is opened for progress and previews. Default 100. */
  openAfterMs?: number;
  /** Least time between two progress events of one watcher. Default 200. */
  progressIntervalMs?: number;
}

export function createJobs(given: JobsOptions): Jobs {
  const options = { ...given, store: keptJobs(given.store, given) };
  const { store, planner, clock, lastProgress, blobs, jobRetentionMs } = options;
  const { pollMs = 1_000, openAfterMs = 100, progressIntervalMs = 200 } = options;
  const logger = options.logger.child("jobs");

  function view(row: JobRow, waiting: Waiting | null = null): Job {
    return jobView(row, {
      waiting: planner.waitingFor(row) ?? waiting,
      progress: lastProgress.get(row.id, row.attempt),
      nowMs: clock.nowMs(),
      jobRetentionMs,
    });
  }
  const viewOf = (row: JobRow) => view(row);
  const hub = createHub({ ...options, logger, view: viewOf, pollMs, openAfterMs, progressIntervalMs });
  const finals = createFinals({ ...options, logger, pollMs });
  const watcher = { store, hub, clock, logger, view: viewOf };

  return {
    async submit({ tenantId }, input, trace) {
      const { row, waiting } = await submitJob(options, { tenantId, trace }, input);
      return view(row, waiting);
    },
    async get(caller, { jobId, waitMs, inlineBytes = 0 }, signal) {
      const { tenantId } = caller;
      const look = () => getOwnJob(store, tenantId, jobId);
      const final = waitMs > 0 ? await finals.wait(jobId, { ms: waitMs, signal, look }) : null;
      const row = final ?? await look();
      return await withInlineOutputs(view(row), { caller, blobs, maxBytes: inlineBytes });
    },
    list: ({ tenantId }, input) => listJobs({ store, view: viewOf }, tenantId, input),
    async cancel({ tenantId }, jobId) {
      return view(await cancelJob(options, tenantId, jobId));
    },
    async retry({ tenantId }, input, trace) {
      const { row, waiting } = await retryJob(options, { tenantId, trace }, input);
      return view(row, waiting);
    },
    async submitV2({ tenantId }, input, context) {
      const { row, waiting, replayed } = await submitJob(options, { ...context, tenantId }, input);
      return { job: view(row, waiting), replayed };
    },
    queuePosition: (jobId) => store.queuePosition(jobId),
    workflowOf: ({ tenantId }, jobId) => workflowOf(store, tenantId, jobId),
    watch: ({ tenantId }, input, signal) => watchJob(watcher, { ...input, tenantId }, signal),
  };
}

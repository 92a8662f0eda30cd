/** Jobs and attempts: rows and transitions. The state machine is `contracts/job-state.ts`; each method names its guard. */
import type { Output } from "../../contracts/asset.ts";
import type { AttemptId, BootId, JobId, PodId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { JobState, StoredJobState } from "../../contracts/job-state.ts";
import type { JobError, JobSpec, Priority } from "../../contracts/job.ts";
import type { Metadata } from "../../contracts/metadata.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import type { Receipt } from "../../contracts/receipt.ts";
import type { ServiceUse } from "../../contracts/services/spec.ts";
import type { NewAsset } from "./asset-store.ts";
import type { Needs, NewAttempt, NewJob } from "./new-job.ts";

/** One job as stored. */
export interface JobRow {
  id: JobId;
  tenantId: TenantId;
  /** Null for a workflow. */
  service: ServiceUse | null;
  state: StoredJobState;
  priority: Priority;
  placementKey: string;
  ver: number;
  attempt: number;
  losses: number;
  /** Pod of the current or last attempt. */
  podId: PodId | null;
  cancelRequested: boolean;
  createdAtMs: number;
  startedAtMs: number | null;
  completedAtMs: number | null;
  /** Not before this time, after a loss. */
  runAfterMs: number;
  startByMs: number | null;
  runWithinMs: number;
  retryOf: JobId | null;
  /** The attempt whose result is the job's. */
  winner: number | null;
  outputs: Output[];
  error: JobError | null;
  receipt: Receipt | null;
  /** See {@link NewJob}. */
  traceparent: string | null;
  /** Whether it came with a partner key, which the store has until it is final. */
  hasPartnerKey: boolean;
  metadata: Metadata;
  /** Whether it holds assets until it is final. */
  usesAssets: boolean;
}

/** `offered` until the agent accepts; `superseded` when another attempt's result won. */
export type StoredAttemptState = "offered" | "running" | "succeeded" | "failed" | "canceled" | "lost" | "superseded";

export interface AttemptRow {
  id: AttemptId;
  jobId: JobId;
  tenantId: TenantId;
  no: number;
  podId: PodId;
  bootId: BootId;
  state: StoredAttemptState;
  offeredAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  reason: string | null;
  graphSha256: Sha256;
  /** The job's trace: see {@link NewJob}. */
  traceparent: string | null;
  /** The job's state, so that a canceling one is known without another read. */
  jobState: StoredJobState;
}

/** One durable lifecycle event; `ver` is unique and rising per job. */
export interface EventRow {
  jobId: JobId;
  ver: number;
  state: JobState;
  attempt: number;
  atMs: number;
  reason: string | null;
}

/** A queued job as the planner sees it: small, without its graph. */
export interface QueuedJob {
  id: JobId;
  tenantId: TenantId;
  ver: number;
  priority: Priority;
  placementKey: string;
  createdAtMs: number;
  losses: number;
  hasPartnerKey: boolean;
}

/** A part of the queue. */
export interface QueueRange {
  /** Only what stands behind this job. */
  after?: Pick<QueuedJob, "priority" | "createdAtMs" | "id"> | undefined;
  /** Without the jobs of these placement keys, at most {@link MAX_EXCEPTED_KEYS}. */
  exceptKeys?: readonly string[] | undefined;
  /** Without those jobs of these placement keys that have a partner key, as many. */
  exceptWithPartnerKey?: readonly string[] | undefined;
}

export const MAX_EXCEPTED_KEYS = 8_192;

/** Further ahead nobody is counted: everybody who waits asks again and again, and each answer would cost the whole queue. */
export const MAX_QUEUE_POSITION = 1_000;

/** An idempotency key and the request it came with. */
export interface SubmissionKey extends Pick<NewJob, "tenantId" | "requestSha256"> {
  idempotency: NonNullable<NewJob["idempotency"]>;
}

/** `key_reused`: the key was used, and not for the same request with leave to repeat it. */
export type EarlierSubmission = { status: "existing"; job: JobRow } | { status: "key_reused" };

/** `created`: as it is after its assignment, where it had one. `missing_assets`: the tenant has none with these ids. */
export type SubmitOutcome =
  | { status: "created"; job: JobRow }
  | EarlierSubmission
  | { status: "queue_full" }
  | { status: "missing_assets"; assetIds: string[] };

/** A page of a tenant's jobs. */
export interface JobsPage extends PageRequest {
  state?: readonly JobState[] | undefined;
  /** Only jobs that have all of these labels; at most three. */
  metadata?: Metadata | undefined;
}

/** `stale`: somebody was first, or the job is already final; nothing changed. */
export type Transition = { status: "done"; job: JobRow } | { status: "stale"; job: JobRow | null };

export interface CompleteJob {
  jobId: JobId;
  no: number;
  outputs: Output[];
  /** Rows for output bytes already in the blob store, inserted in the same transaction. */
  assets: NewAsset[];
  receipt: Receipt;
}

export interface AddOutputs {
  jobId: JobId;
  no: number;
  /** All of the attempt's that are home; they replace those of before. */
  outputs: Output[];
  /** Rows for those of them whose bytes are in the blob store and that may have none yet. */
  assets: NewAsset[];
}

export interface JobStore {
  /** Insert, with its event, or the job that holds the idempotency key. */
  submitJob(job: NewJob): Promise<SubmitOutcome>;
  /** Asked before a request is judged: a repeated one gets its job even when the fleet has changed since. */
  findSubmission(key: SubmissionKey): Promise<EarlierSubmission | null>;
  getJob(id: JobId): Promise<JobRow | null>;
  /** Those of `ids` that are final. */
  findFinal(ids: readonly JobId[]): Promise<JobId[]>;
  getSpec(id: JobId): Promise<JobSpec | null>;
  /** {@link NewJob.sealedKey}; null once it is final. */
  getSealedKey(id: JobId): Promise<string | null>;
  /** Newest first, without those that are kept no longer. A page may end before it is full: see `Page`. */
  listJobs(tenantId: TenantId, page: JobsPage): Promise<Page<JobRow>>;
  /** Oldest first, `ver > afterVer`. */
  listEvents(id: JobId, afterVer: number): Promise<EventRow[]>;
  /** Queued jobs that may run now, by priority band then age, at most `limit`. */
  listQueue(limit: number, range?: QueueRange): Promise<QueuedJob[]>;
  /** How many queued jobs stand before this one, at most {@link MAX_QUEUE_POSITION}: 0 for an assigned one, null once it runs or is over. */
  queuePosition(id: JobId): Promise<number | null>;
  getNeeds(placementKeys: readonly string[]): Promise<Map<string, Needs>>;
  /** Attempts in `offered` or `running`, of one pod or of all. */
  listLiveAttempts(podId?: PodId): Promise<AttemptRow[]>;
  getAttempt(id: AttemptId): Promise<AttemptRow | null>;
  /** The times of every attempt of the job, for the receipt. */
  listAttempts(jobId: JobId): Promise<AttemptRow[]>;
  /** How many attempts in a row, up to the last one, no agent has started, those that were called back left out. */
  countUnstarted(jobId: JobId): Promise<number>;

  /** queued, ver as given → assigned; a new attempt `offered` to the pod. */
  assignJob(
    input: NewAttempt & { jobId: JobId; ver: number },
  ): Promise<{ status: "done"; no: number } | { status: "stale" }>;
  /** assigned, attempt as given → running. On a canceling job only the attempt becomes `running`. */
  startJob(input: { jobId: JobId; no: number }): Promise<Transition>;
  /** running | canceling, current attempt: its outputs so far; `ver` stays, and nothing is told. */
  addOutputs(input: AddOutputs): Promise<Transition>;
  /**
   * Not final and the attempt exists → succeeded: the first valid result wins, late ones too. Others are superseded. A job
   * that waits for this very attempt to start becomes running before, in the same transaction.
   */
  completeJob(input: CompleteJob): Promise<Transition>;
  /** Current attempt, neither queued again nor final → failed. */
  failJob(input: { jobId: JobId; no: number; error: JobError; receipt: Receipt | null }): Promise<Transition>;
  /**
   * Current attempt gave the work back or is lost: assigned | running → queued after `retryInMs`; canceling → canceled;
   * past `maxLosses` counted losses → failed with `pod_lost`.
   */
  loseAttempt(
    input: { jobId: JobId; no: number; reason: string; countLoss: boolean; retryInMs: number; maxLosses: number },
  ): Promise<Transition>;
  /** queued → canceled; assigned | running → canceling; canceling and final states: unchanged (`stale` with the job). */
  cancelJob(input: { tenantId: TenantId; jobId: JobId }): Promise<Transition>;
  /** canceling, current attempt → canceled: the agent confirmed. */
  confirmCanceled(input: { jobId: JobId; no: number }): Promise<Transition>;
  /** Queued jobs that never started and are past `startBy` → expired. Returns their rows. */
  expireJobs(limit: number): Promise<JobRow[]>;
}

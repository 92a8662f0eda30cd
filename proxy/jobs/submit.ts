/** Accepts a job: everything that can be refused is refused before the one commit, and the answer comes after it. */
import { typeidUnboxed } from "typeid-js";
import { FleetError } from "../../contracts/errors.ts";
import { JobId, type TenantId } from "../../contracts/ids.ts";
import type { SubmitJob, Waiting } from "../../contracts/job.ts";
import { MAX_BAD_NODES } from "../../contracts/node-errors.ts";
import { serviceUse, withSeed } from "../../contracts/services/compile.ts";
import type { PartnerKey } from "../../contracts/partner-key.ts";
import { firstFew, shorten } from "../../contracts/shorten.ts";
import { formatTraceparent } from "../../contracts/telemetry/trace-context.ts";
import type { SealedBox } from "../secrets/sealed-box.ts";
import { type AssetUse, assetUses } from "../../contracts/workflow.ts";
import type { Signals } from "../signals.ts";
import type { EarlierSubmission, JobRow, JobStore, SubmitOutcome } from "../store/job-store.ts";
import type { NewJob } from "../store/new-job.ts";
import { judgeSpec } from "./judge-spec.ts";
import { placementKeyOf } from "./needs.ts";
import type { ObjectInfoCache } from "./object-info-cache.ts";
import type { Claim, Claims, SubmitContext } from "./port.ts";
import { hashRequest } from "./request-hash.ts";
import { otherWorkFirst } from "../time/turn.ts";

export interface SubmitLimits {
  /** Largest workflow as canonical JSON. Default 4 MiB. */
  maxWorkflowBytes: number;
  /** Hard cap on one attempt's run for jobs that name none. */
  defaultRunWithinMs: number;
  /** Jobs of one tenant that may be queued at once. */
  maxQueued: number;
}

export interface Submitter {
  store: Pick<JobStore, "submitJob" | "findSubmission">;
  objectInfo: Pick<ObjectInfoCache, "known">;
  signals: Signals;
  /** Partner keys are stored by it. */
  box: Pick<SealedBox, "seal">;
  limits: SubmitLimits;
  claims: Claims;
  /** The seed of a service that was asked for none: whole, 0 to 2^53−1. Default: drawn by the runtime's generator. */
  randomSeed?: () => number;
}

/** What one call to an agent carries. */
const MAX_ASSETS = 1_000;
/** A queue this long does not get short in a moment. */
const QUEUE_FULL_RETRY_MS = 5_000;

/** @throws FleetError `invalid_workflow` */
function assetIdsOf(uses: readonly AssetUse[]): string[] {
  const ids = [...new Set(uses.map((use) => use.assetId))];
  if (ids.length <= MAX_ASSETS) return ids;
  throw new FleetError("invalid_workflow", `Cannot run workflow: it refers to ${ids.length} assets`, {
    hint: `At most ${MAX_ASSETS} are carried to a pod; split the job.`,
  });
}

function missingAssets(uses: readonly AssetUse[], ids: readonly string[]): FleetError {
  const absent = new Set(ids);
  // What somebody wrote in the place of an id may be of any length.
  const missing = uses.filter((use) => absent.has(use.assetId))
    .map((use) => ({ ...use, assetId: shorten(use.assetId) }));
  const assetIds = [...new Set(missing.map((use) => use.assetId))];
  const named = firstFew(assetIds.map((id) => `'${id}'`));
  const state = assetIds.length === 1 ? `asset ${named} does not exist` : `assets ${named} do not exist`;
  return new FleetError("missing_asset", `Cannot run workflow: ${state}`, {
    hint: "Upload the file first and refer to it by the id in the answer.",
    details: { assetIds: assetIds.slice(0, MAX_BAD_NODES), uses: missing.slice(0, MAX_BAD_NODES) },
  });
}

function queueFull(maxQueued: number): FleetError {
  return new FleetError("queue_full", `Cannot queue job: ${maxQueued} jobs of this tenant are queued already`, {
    hint: "Submit it again when some have started; the operator can raise TENANT_MAX_QUEUED.",
    retryAfterMs: QUEUE_FULL_RETRY_MS,
  });
}

/** @throws FleetError `idempotency_key_reuse` when the key may not be used again, or not for this request. */
function earlierJob(earlier: EarlierSubmission, idempotency: NewJob["idempotency"]): JobRow {
  if (earlier.status === "existing") return earlier.job;
  const replay = idempotency?.space !== "v2" || idempotency.replay;
  const state = replay ? "its idempotency key was used for another one" : "its idempotency key was used before";
  throw new FleetError("idempotency_key_reuse", `Cannot submit job: ${state}`, {
    hint: replay
      ? "Use a new key for a new request, or send the first request unchanged to get its job."
      : "Use a new key for each request; GET /api/v2/jobs lists the job that the first one made.",
    details: { idempotencyKey: idempotency?.key },
  });
}

/**
 * The job of an earlier request with the same key; null without a key, and for the first with it.
 * @throws FleetError `idempotency_key_reuse`
 */
export async function earlierSubmission(
  store: Pick<JobStore, "findSubmission">,
  { idempotency, ...request }: Pick<NewJob, "tenantId" | "idempotency" | "requestSha256">,
): Promise<JobRow | null> {
  const earlier = idempotency && await store.findSubmission({ ...request, idempotency });
  return earlier && earlierJob(earlier, idempotency);
}

/** A key of `jobs.submit` and `jobs.retry`, whose repetition gets the first job. */
export function ownKey(key: string | undefined): NewJob["idempotency"] {
  return key === undefined ? null : { space: "trpc", key };
}

/** 53 bits, all of which a double holds. */
function drawSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/** The stored job, and why it will wait as far as its graph tells. */
export interface Submission {
  row: JobRow;
  waiting: Waiting | null;
  /** Whether an earlier request with the same key has made it. */
  replayed: boolean;
}

async function storeJob(store: Submitter["store"], job: NewJob, claim: Claim | null): Promise<SubmitOutcome> {
  let stored: JobRow | null = null;
  try {
    const outcome = await store.submitJob({ ...job, assignment: claim?.assignment ?? null });
    if (outcome.status === "created") stored = outcome.job;
    return outcome;
  } finally {
    claim?.settle(stored);
  }
}

/**
 * Judges a spec whose seed is fixed, and stores the job.
 * @throws FleetError `invalid_workflow`, `missing_asset`, `idempotency_key_reuse`, `queue_full`
 */
export async function acceptJob(
  { store, objectInfo, signals, box, claims, limits: { maxQueued } }: Submitter,
  job: Omit<
    NewJob,
    "id" | "service" | "placementKey" | "needs" | "assetIds" | "maxQueued" | "sealedKey" | "assignment"
  >,
  partnerKey: PartnerKey | null = null,
): Promise<Submission> {
  const { spec } = job;
  const { workflow, waiting, needs } = judgeSpec(spec, await objectInfo.known());
  const uses = assetUses(workflow);
  const id = JobId.parse(typeidUnboxed("job"));
  const whole = {
    ...job,
    id,
    sealedKey: partnerKey === null ? null : box.seal(partnerKey, id),
    service: spec.kind === "service" ? serviceUse(spec) : null,
    placementKey: placementKeyOf(needs),
    needs,
    assetIds: assetIdsOf(uses),
    maxQueued,
  };
  // Which pods may see a partner key, and when, is the dispatcher's to say.
  const claim = partnerKey === null ? await claims.claim(whole) : null;
  const outcome = await storeJob(store, whole, claim);
  if (outcome.status === "missing_assets") throw missingAssets(uses, outcome.assetIds);
  if (outcome.status === "queue_full") throw queueFull(maxQueued);
  if (outcome.status !== "created") return { row: earlierJob(outcome, job.idempotency), waiting, replayed: true };
  if (outcome.job.state === "queued") signals.emit("queue", undefined);
  signals.emit("job", outcome.job);
  // A pod that is free gets it before its caller gets the answer, which takes this thread as long as giving it away.
  await otherWorkFirst();
  return { row: outcome.job, waiting, replayed: false };
}

/** @throws FleetError `payload_too_large`, and what {@link acceptJob} and `resolveAssets` throw */
export async function submitJob(
  submitter: Submitter,
  { tenantId, trace, partnerKey, resolveAssets, ...context }: SubmitContext & { tenantId: TenantId },
  request: SubmitJob,
): Promise<Submission> {
  const { store, limits, randomSeed = drawSeed } = submitter;
  const { options, spec } = request;
  const requestSha256 = hashRequest(request, limits.maxWorkflowBytes);
  const idempotency = context.idempotency ?? ownKey(options.idempotencyKey);
  const earlier = await earlierSubmission(store, { tenantId, idempotency, requestSha256 });
  if (earlier) return { row: earlier, waiting: null, replayed: true };
  return await acceptJob(submitter, {
    tenantId,
    spec: spec.kind === "service"
      ? withSeed(spec, randomSeed)
      : { ...spec, workflow: await resolveAssets?.(spec.workflow) ?? spec.workflow },
    priority: options.priority,
    idempotency,
    requestSha256,
    startWithinMs: options.startWithinMs ?? null,
    runWithinMs: options.runWithinMs ?? limits.defaultRunWithinMs,
    retryOf: null,
    traceparent: trace === undefined ? null : formatTraceparent(trace),
    metadata: options.metadata ?? {},
  }, partnerKey);
}

/** Inputs of the edge's procedures that are more than one id. */
import { z } from "zod";
import { MAX_INLINE_BYTES } from "../bounds.ts";
import { AssetId, JobId, KeyId, PodId, TenantId } from "../ids.ts";
import { JobState } from "../job-state.ts";
import { SubmitOptions } from "../job.ts";
import { MetadataFilter } from "../metadata.ts";
import { PageRequest } from "../page.ts";
import { Scope } from "../tenant.ts";

export const ByJob = z.strictObject({ jobId: JobId });
/** Longest {@link GetJob} may be held, under what proxies between here and there cut. */
export const MAX_JOB_WAIT_MS = 25_000;

export const GetJob = ByJob.extend({
  /** Answer when the job is final, at the latest after this long. */
  waitMs: z.int().min(0).max(MAX_JOB_WAIT_MS).default(0),
  /**
   * A job that has succeeded brings the bytes of its first eight outputs, as far as they fit, in `dataBase64`; needs the
   * scope `assets:read`.
   */
  inlineBytes: z.int().min(0).max(MAX_INLINE_BYTES).optional(),
});

/** The idempotency keys are those of `jobs.submit`: one that a submit has used is refused here. */
export const RetryJob = ByJob.extend(SubmitOptions.pick({ idempotencyKey: true }).shape);

export const ByAsset = z.strictObject({ assetId: AssetId });
export const ByPod = z.strictObject({ podId: PodId });
export const ByService = z.strictObject({ service: z.string().max(100) });
/** `reason` is shown with the pod and in the audit. */
export const CordonPod = z.strictObject({ podId: PodId, reason: z.string().max(300).default("") });
export type CordonPod = z.output<typeof CordonPod>;
export const ByKey = z.strictObject({ keyId: KeyId });

/** Newest first. */
export const ListJobs = PageRequest.extend({
  state: z.array(JobState).max(7).optional(),
  /** Only jobs that have all of these labels. */
  metadata: MetadataFilter.optional(),
});

export const WatchJob = z.object({
  jobId: JobId,
  /** Id of the last event seen; set by the transport when it reconnects. */
  lastEventId: z.string().max(50).nullish(),
  /** Ask for `preview` events. */
  previews: z.boolean().default(false),
});

export const WatchEvents = z.object({
  /** Id of the last event seen; set by the transport when it reconnects. */
  lastEventId: z.string().max(50).nullish(),
  /** The events of every tenant, for keys with the scope `admin`. */
  allTenants: z.boolean().default(false),
});

export const CreateTenant = z.strictObject({ name: z.string().min(1).max(100) });

export const CreateKey = z.strictObject({
  /** Default: the caller's own tenant. */
  tenantId: TenantId.optional(),
  name: z.string().max(100).default(""),
  /** Default: the five scopes of a tenant. */
  scopes: z.array(Scope).min(1).optional(),
});

/** Attempts: one try of a job on one pod, as the edge orders it and the agent reports it. */
import { z } from "zod";
import { MAX_INLINE_CHARS, MAX_INPUTS, MAX_OUTPUTS, MAX_PREVIEW_CHARS, Text } from "./bounds.ts";
import { AssetId, AttemptId, JobId, PodId, Sha256, Timestamp } from "./ids.ts";
import { JobError } from "./job.ts";
import { PartnerKey } from "./partner-key.ts";
import { Progress } from "./progress.ts";
import { WorkflowSchema } from "./workflow-parse.ts";

/**
 * `accepted` (inputs staged or behind another attempt) → `running` (ComfyUI has the prompt) → `collecting` (ComfyUI has
 * finished: the slot is free) → `succeeded`. `lost`: the ComfyUI it ran in is gone; the edge queues the job again.
 */
export const AttemptState = z.enum(["accepted", "running", "collecting", "succeeded", "failed", "canceled", "lost"]);
export type AttemptState = z.infer<typeof AttemptState>;

export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  accepted: ["running", "failed", "canceled", "lost"],
  running: ["collecting", "failed", "canceled", "lost"],
  collecting: ["succeeded", "failed", "lost"],
  succeeded: [],
  failed: [],
  canceled: [],
  lost: [],
};

export function isAttemptFinal(state: AttemptState): boolean {
  return ATTEMPT_TRANSITIONS[state].length === 0;
}

/** An asset that the graph refers to; its bytes go to `PUT /inputs/{sha256}` unless the pod has them. */
export const AttemptInput = z.object({
  assetId: AssetId,
  sha256: Sha256,
  sizeBytes: z.int().min(0),
  /** Its extension is kept, because ComfyUI's loaders look at it. */
  fileName: Text,
});
export type AttemptInput = z.infer<typeof AttemptInput>;

/** The whole order in one call: nothing more is needed to run it. */
export const StartAttempt = z.strictObject({
  podId: PodId,
  /** Refused with `stale_epoch` when lower than the highest the agent has seen. */
  epoch: z.int().min(1),
  attemptId: AttemptId,
  jobId: JobId,
  /** Number of the attempt within its job, from 1. */
  no: z.int().min(1),
  workflow: WorkflowSchema,
  inputs: z.array(AttemptInput).max(MAX_INPUTS),
  /** Run when this attempt's slot frees; the agent prefetches meanwhile. Null: a slot must be free now. */
  after: AttemptId.nullable(),
  /** Hard cap on the run, counted by the agent from the moment ComfyUI has the prompt. */
  runWithinMs: z.int().min(1_000),
  /** Whether to make previews of the work in progress, where ComfyUI can. */
  previews: z.boolean(),
  /** For ComfyUI's partner nodes; kept in memory only. To agents from protocol version 2 on, and only when there is one. */
  partnerKey: PartnerKey.optional(),
});
export type StartAttempt = z.infer<typeof StartAttempt>;

/** `missing_input`: put these and call again; nothing was started. Repeating an accepted start changes nothing. */
export const StartResult = z.discriminatedUnion("status", [
  z.object({ status: z.literal("accepted") }),
  z.object({ status: z.literal("missing_input"), hashes: z.array(Sha256).max(MAX_INPUTS) }),
]);
export type StartResult = z.infer<typeof StartResult>;

/** An output on the agent, fetched from `GET /attempts/{attemptId}/outputs/{index}` until released. */
export const AttemptOutput = z.object({
  /** Where its bytes are; no place in the list. */
  index: z.int().min(0),
  nodeId: Text,
  name: Text,
  contentType: Text,
  sizeBytes: z.int().min(0),
  sha256: Sha256,
  temporary: z.boolean(),
  /**
   * All of its bytes, in the event of `pod.watch` that first tells of the end, where the agent has them at hand and they fit
   * into `MAX_INLINE_BYTES` with those before.
   */
  dataBase64: z.string().max(MAX_INLINE_CHARS).optional(),
});
export type AttemptOutput = z.infer<typeof AttemptOutput>;

/** A complete snapshot of an attempt: the truth behind every event of it. */
export const AttemptReport = z.object({
  attemptId: AttemptId,
  jobId: JobId,
  no: z.int().min(1),
  state: AttemptState,
  /** Rises at every change of state and of `outputs`, so that late reports are recognised. */
  rev: z.int().min(0),
  cancelRequested: z.boolean(),
  acceptedAt: Timestamp,
  /** When ComfyUI had the prompt, when it was done, and when the outputs were hashed. */
  startedAt: Timestamp.nullable(),
  executedAt: Timestamp.nullable(),
  finishedAt: Timestamp.nullable(),
  progress: Progress.nullable(),
  /**
   * Complete and final in state `succeeded`. While it is `running` or `collecting`, those found so far: a hint, for a node
   * may yet change them, with the `index` that they keep. Else empty.
   */
  outputs: z.array(AttemptOutput).max(MAX_OUTPUTS),
  /** ComfyUI had every output in its cache and rendered nothing. */
  cached: z.boolean(),
  error: JobError.nullable(),
});
export type AttemptReport = z.infer<typeof AttemptReport>;

/** What `attempts.watch` yields: every change of state, progress at most 5 a second, previews when they can be sent. */
export const AttemptEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("report"), report: AttemptReport }),
  z.object({ type: z.literal("progress"), progress: Progress }),
  z.object({
    type: z.literal("preview"),
    nodeId: Text.nullable(),
    contentType: z.enum(["image/jpeg", "image/png"]),
    dataBase64: z.string().max(MAX_PREVIEW_CHARS),
  }),
]);
export type AttemptEvent = z.infer<typeof AttemptEvent>;

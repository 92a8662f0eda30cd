/** The agent's own messages about its pod. */
import { z } from "zod";
import { AttemptReport } from "../attempt.ts";
import { MAX_ATTEMPTS, MAX_CONDITIONS, MAX_DEVICES } from "../bounds.ts";
import { AttemptId, BootId, EdgeId, PodId } from "../ids.ts";
import { Condition, PodCapability } from "../pod.ts";
import { ProtocolRange } from "../protocol.ts";
import { GpuVerdict } from "./gpu.ts";

/** One ComfyUI process = one GPU. Busy from an accepted start until ComfyUI is done with it. */
export const Slot = z.object({
  index: z.int().min(0),
  /** Whether it takes a start now. */
  ready: z.boolean(),
  attemptId: AttemptId.nullable(),
});
export type Slot = z.infer<typeof Slot>;

/** Answer of `pod.describe`: asked before anything else, so it is readable at every protocol version. */
export const PodDescription = z.object({
  protocol: ProtocolRange,
  /** The id an edge gave this pod; null before the first beat. */
  podId: PodId.nullable(),
  bootId: BootId,
  capability: PodCapability,
});
export type PodDescription = z.infer<typeof PodDescription>;

/** Heartbeat, reconciliation and cancel order in one; every 5 s, and at once after a cut. */
export const Beat = z.strictObject({
  /** Stored by the agent at the first beat; another one later is refused with `wrong_pod`. */
  podId: PodId,
  edgeId: EdgeId,
  /** Fence: lower than the highest seen → `stale_epoch`. */
  epoch: z.int().min(1),
  /** How long the edge's claim on the pod lasts without another beat. */
  leaseMs: z.int().min(1),
  /** Attempts to cancel; repeated until reported final. */
  cancel: z.array(AttemptId).max(MAX_ATTEMPTS),
  /** Attempts the edge holds for this pod; the agent answers for each it knows. */
  known: z.array(AttemptId).max(MAX_ATTEMPTS),
});
export type Beat = z.infer<typeof Beat>;

export const BeatResult = z.object({
  bootId: BootId,
  slots: z.array(Slot).max(MAX_DEVICES),
  /** Every attempt the agent holds. One that the edge holds and this list lacks is lost. */
  attempts: z.array(AttemptReport).max(MAX_ATTEMPTS),
  conditions: z.array(Condition).max(MAX_CONDITIONS),
  capability: PodCapability,
  /** Of the pod's GPUs; null from an agent that does not judge them, which counts as `unknown`. */
  verdict: GpuVerdict.nullable(),
});
export type BeatResult = z.infer<typeof BeatResult>;

/** What `pod.watch` yields; the first event is always `pod`. The beat is the truth behind it. */
export const PodEvent = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("pod"),
    slots: z.array(Slot).max(MAX_DEVICES),
    conditions: z.array(Condition).max(MAX_CONDITIONS),
    capability: PodCapability,
    verdict: GpuVerdict.nullable(),
  }),
  z.object({ type: z.literal("attempt"), report: AttemptReport }),
]);
export type PodEvent = z.infer<typeof PodEvent>;

export const ByAttempt = z.strictObject({ attemptId: AttemptId });

export const ReleaseAttempts = ByAttempt.extend({
  /** Released in the same call. An agent of before refuses it. */
  also: z.array(AttemptId).max(MAX_ATTEMPTS).optional(),
});

export const WatchAttempt = z.object({ attemptId: AttemptId, previews: z.boolean().default(false) });

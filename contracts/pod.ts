/** Pods: one GPU container, an agent plus its ComfyUI process(es), as the edge knows it. */
import { z } from "zod";
import { MAX_CONDITIONS, MAX_DEVICES, Text } from "./bounds.ts";
import { BootId, PodId, Sha256, Timestamp } from "./ids.ts";

/** Not being reachable lately is the condition `Reachable=unknown`, not a phase. */
export const PodPhase = z.enum(["joining", "starting", "ready", "draining", "gone", "lost"]);
export type PodPhase = z.infer<typeof PodPhase>;

export const ConditionType = z.enum(["Reachable", "ProtocolCompatible", "PathDirect", "ComfyReady", "GpuHealthy"]);
export type ConditionType = z.infer<typeof ConditionType>;

/** One readable fact about a pod's health, with since when and why. */
export const Condition = z.object({
  type: ConditionType,
  status: z.enum(["true", "false", "unknown"]),
  /** CamelCase word for machines, e.g. `StartDeadlineExceeded`. */
  reason: Text,
  /** A sentence for people. */
  message: Text,
  since: Timestamp,
});
export type Condition = z.infer<typeof Condition>;

/** What a pod offers, from its agent's own words. */
export const PodCapability = z.object({
  agentVersion: Text,
  comfyVersion: Text.nullable(),
  /** `supervised`: the agent starts and stops ComfyUI; `attached`: it only uses one that runs already. */
  comfyMode: z.enum(["supervised", "attached"]),
  /** Devices as ComfyUI reports them; sizes in bytes. */
  devices: z.array(z.object({ name: Text, type: Text, vramTotalBytes: z.number().nullable() })).max(MAX_DEVICES),
  /** Hash of the pod's `/object_info` body; null until ComfyUI has answered once. */
  objectInfoSha256: Sha256.nullable(),
});
export type PodCapability = z.infer<typeof PodCapability>;

/** An operator's word that the pod gets no new work. */
export const Cordon = z.object({
  since: Timestamp,
  /** What the operator gave as the reason; may be empty. */
  reason: z.string(),
  /** Asked to become empty: its phase is `draining` while it has attempts. */
  drain: z.boolean(),
  /** Attempts that are not settled yet. */
  attempts: z.int().min(0),
});
export type Cordon = z.infer<typeof Cordon>;

export const Pod = z.object({
  id: PodId,
  name: z.string(),
  phase: PodPhase,
  bootId: BootId.nullable(),
  slotsTotal: z.int().min(0),
  slotsBusy: z.int().min(0),
  capability: PodCapability.nullable(),
  conditions: z.array(Condition).max(MAX_CONDITIONS),
  cordon: Cordon.nullable(),
  /** For development only: its pages may be opened, and it is never given a job. */
  dev: z.boolean(),
  createdAt: Timestamp,
  lastSeenAt: Timestamp.nullable(),
});
export type Pod = z.infer<typeof Pod>;

/** What `pods.watch` yields: each pod that is there, `synced`, then whatever changes. A new stream begins anew. */
export const PodChange = z.discriminatedUnion("type", [
  z.object({ type: z.literal("pod"), pod: Pod }),
  z.object({ type: z.literal("gone"), podId: PodId }),
  z.object({ type: z.literal("synced") }),
]);
export type PodChange = z.infer<typeof PodChange>;

/** Enrolling pods: what an operator asks for, and what starts each pod. Only the answer of `pods.enroll` holds keys. */
import { z } from "zod";
import { PodId, Timestamp } from "../ids.ts";

const MAX_POD_COUNT = 100;
const MIN_TTL_MS = 60_000;
const MAX_TTL_MS = 86_400_000;

export const EnrollPods = z.strictObject({
  /** One key a pod. */
  count: z.int().min(1).max(MAX_POD_COUNT).default(1),
  /** How long each pod has for joining. */
  ttlMs: z.int().min(MIN_TTL_MS).max(MAX_TTL_MS).default(900_000),
  /** Pods for development: never a job, and named people may open their ComfyUI and Jupyter. */
  dev: z.boolean().default(false),
});
export type EnrollPods = z.output<typeof EnrollPods>;

export const EnrolledPod = z.object({
  podId: PodId,
  /** What the pod's node must call itself (`TS_HOSTNAME`) to be this pod. */
  name: z.string(),
  /** For `TS_AUTHKEY`: joins one device, once. It is shown here and kept nowhere. */
  key: z.string(),
  /** Until when it joins. */
  expiresAt: Timestamp,
});
export type EnrolledPod = z.infer<typeof EnrolledPod>;

export const Enrolment = z.object({
  pods: z.array(EnrolledPod).max(MAX_POD_COUNT),
  /** For `TS_CONTROL_URL`; null for Tailscale's own server, which needs none. */
  controlUrl: z.string().nullable(),
  /** That the nodes get. */
  tag: z.string(),
});
export type Enrolment = z.infer<typeof Enrolment>;

export const RemovePod = z.strictObject({
  podId: PodId,
  /** What to do while it has attempts: `refuse` with `conflict`, or `lose` them, so that their jobs are queued again. */
  running: z.enum(["refuse", "lose"]).default("refuse"),
  /** For the audit. */
  reason: z.string().max(300).default(""),
});
export type RemovePod = z.output<typeof RemovePod>;

export const RemovedPod = z.object({
  podId: PodId,
  name: z.string(),
  /** `none`: it had not joined, or is not on the tailnet. */
  device: z.enum(["deleted", "none"]),
  /** `none`: it had been used, or there was none. */
  key: z.enum(["revoked", "none"]),
  /** Attempts that were lost with it; their jobs are queued again. */
  attempts: z.int().min(0),
});
export type RemovedPod = z.infer<typeof RemovedPod>;

/** The host name of a pod's node: its id with what a name may hold. Lower case, at most 63 characters. */
export function podHostname(podId: PodId): string {
  return podId.replace("_", "-");
}

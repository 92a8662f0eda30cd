/** What a look at the tailnet found, one check a line; `doctor` and `tailnet check` print them. */
import { z } from "zod";
import { Text } from "../bounds.ts";
import { PodId, Timestamp } from "../ids.ts";

export const MAX_CHECKS = 10_000;

export const TailnetCheck = z.object({
  /** What was looked at, e.g. `pod gpu-1 port 8188`. */
  name: Text,
  status: z.enum(["ok", "warning", "failed", "skipped"]),
  message: Text,
  /** What to do; null unless failed or a warning. */
  fix: Text.nullable(),
});
export type TailnetCheck = z.infer<typeof TailnetCheck>;

/** How packets get to a pod. `unknown`: no ping has been answered yet. */
export const PathKind = z.enum(["direct", "relay", "unknown"]);
export type PathKind = z.infer<typeof PathKind>;

export const TailnetReport = z.object({
  /** Clock of whoever answers, for its skew. */
  now: Timestamp,
  checks: z.array(TailnetCheck).max(MAX_CHECKS),
});
export type TailnetReport = z.infer<typeof TailnetReport>;

export const PodPath = z.object({
  podId: PodId,
  path: PathKind,
  /** Round trip of the last ping that was answered. */
  latencyMs: z.number().min(0).nullable(),
});
export type PodPath = z.infer<typeof PodPath>;

/** How an edge stands on its tailnet, and how packets get to each pod that is on it now. */
export const TailnetStatus = TailnetReport.extend({ pods: z.array(PodPath).max(MAX_CHECKS) });
export type TailnetStatus = z.infer<typeof TailnetStatus>;

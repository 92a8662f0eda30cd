/** What the fleet in miniature is made of. */
import type { BootId, JobId, PodId, TenantId } from "../../../../contracts/ids.ts";
import type { AttemptRow, QueuedJob } from "../../../../proxy/store/job-store.ts";
import type { Store } from "../../../../proxy/store/port.ts";
import type { Random } from "./random.ts";
import { sha256 } from "./samples.ts";

export interface FleetOptions {
  store: Store;
  tenantId: TenantId;
  random: Random;
  time: { nowMs: number };
}

/** `waiting`: behind another attempt, not begun. `withdrawn`: given back from there. */
type ReportState = "waiting" | "running" | "succeeded" | "failed" | "canceled" | "withdrawn";

/** What a pod says of an attempt: possibly late, and more than once. */
export interface Report {
  jobId: JobId;
  no: number;
  state: ReportState;
}

export interface Pod {
  id: PodId;
  bootId: BootId;
  silentUntilMs: number;
  attempts: Map<string, Report>;
}

/** What it has read some time ago. */
export interface Edge {
  queue: QueuedJob[];
  live: AttemptRow[];
}

export type Message = { to: "pod"; pod: Pod; bootId: BootId; start: Report } | { to: "edge"; report: Report };

/** What an attempt renders: its own bytes, so that the stored result names its attempt. */
export function resultHash(jobId: JobId, no: number): string {
  return sha256(`${jobId} ${no}`);
}

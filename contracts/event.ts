/** What `jobs.watch` yields. Lifecycle events are durable; the others are not and may be dropped. */
import { z } from "zod";
import { Output } from "./asset.ts";
import { JobId, Timestamp } from "./ids.ts";
import { JobState } from "./job-state.ts";
import { Job } from "./job.ts";
import { Progress } from "./progress.ts";

/** A transition. Event id: the job's `ver`. The terminal one carries the whole job and ends the stream. */
export const StatusEvent = z.object({
  type: z.literal("status"),
  jobId: JobId,
  ver: z.int().min(0),
  state: JobState,
  attempt: z.int().min(0),
  at: Timestamp,
  /** E.g. `pod_lost` when an attempt was lost and the job is queued again. */
  reason: z.string().nullable(),
  job: Job.nullable(),
});
export type StatusEvent = z.infer<typeof StatusEvent>;

/** At most 5 a second. Event id: `ver.n`; resuming from it replays from `ver`. */
export const ProgressEvent = z.object({
  type: z.literal("progress"),
  jobId: JobId,
  attempt: z.int().min(1),
  progress: Progress,
});
export type ProgressEvent = z.infer<typeof ProgressEvent>;

/** A small image of the work in progress, only when the watcher asked for previews. */
export const PreviewEvent = z.object({
  type: z.literal("preview"),
  jobId: JobId,
  attempt: z.int().min(1),
  nodeId: z.string().nullable(),
  contentType: z.enum(["image/jpeg", "image/png"]),
  dataBase64: z.string(),
});
export type PreviewEvent = z.infer<typeof PreviewEvent>;

/**
 * An output that is home while its attempt goes on: its asset can be read. Event id as of progress; may come twice after a
 * cut. Best effort, and none for outputs that are found at the end: the terminal event's job has them all, and decides.
 */
export const OutputEvent = z.object({
  type: z.literal("output"),
  jobId: JobId,
  attempt: z.int().min(1),
  output: Output,
});
export type OutputEvent = z.infer<typeof OutputEvent>;

export const JobEvent = z.discriminatedUnion("type", [StatusEvent, ProgressEvent, PreviewEvent, OutputEvent]);
export type JobEvent = z.infer<typeof JobEvent>;

/** What an operator may ask of one pod's ComfyUI: how it is, a restart, free memory, its log. */
import { z } from "zod";
import { AttemptState } from "../attempt.ts";
import { MAX_ATTEMPTS, MAX_DEVICES, Text } from "../bounds.ts";
import { AttemptId, Timestamp } from "../ids.ts";
import { PodCapability } from "../pod.ts";

/** Lines of a log that one answer carries at most, and that an agent remembers. */
export const MAX_LOG_LINES = 2_000;

/** An attempt that the pod holds and that is not final. */
const HeldAttempt = z.object({ attemptId: AttemptId, state: AttemptState });

/** Answer of `comfy.status`. */
export const ComfyReport = z.object({
  mode: PodCapability.shape.comfyMode,
  state: z.enum(["stopped", "starting", "ready", "stopping", "backoff"]),
  since: Timestamp,
  /** CamelCase word for machines, e.g. `Crashed`. */
  reason: Text,
  /** A sentence for people. */
  message: Text,
  /** Whether it would be given a job now. */
  takesJobs: z.boolean(),
  version: Text.nullable(),
  devices: PodCapability.shape.devices.max(MAX_DEVICES),
  /** This life of the process; null while there is none. */
  generation: z.object({
    id: z.string().max(100),
    startedAt: Timestamp,
    /** An agent found it running instead of starting it. */
    adopted: z.boolean(),
  }).nullable(),
  attempts: z.array(HeldAttempt).max(MAX_ATTEMPTS),
  /** The agent's clock, to see by how much it is wrong. */
  now: Timestamp,
});
export type ComfyReport = z.infer<typeof ComfyReport>;

export const RestartComfy = z.strictObject({
  /** Why, for the pod's condition and the logs. */
  reason: z.string().max(300).default(""),
  /** What to do while an attempt is with ComfyUI: `refuse` with `conflict`, or `lose` it, so that its job is queued again. */
  running: z.enum(["refuse", "lose"]).default("refuse"),
});
export type RestartComfy = z.output<typeof RestartComfy>;

/**
 * - `lost`: reported as lost with ComfyUI; the edge queues its job again, which costs the caller nothing.
 * - `kept`: ComfyUI is done with it, and its outputs are being collected.
 */
const AttemptFate = z.object({ attemptId: AttemptId, fate: z.enum(["lost", "kept"]) });

export const RestartResult = z.object({
  /** `under_way`: there was no process to end, and the agent is about to start one anyway. */
  status: z.enum(["restarting", "under_way"]),
  /** The life that was ended; `comfy.status` shows another one afterwards. */
  endedGeneration: z.string().max(100).nullable(),
  attempts: z.array(AttemptFate).max(MAX_ATTEMPTS),
  message: Text,
});
export type RestartResult = z.infer<typeof RestartResult>;

/** ComfyUI says nothing when it has done it; it does it between two runs. */
export const FreeResult = z.object({
  status: z.enum(["asked", "after_running"]),
  message: Text,
});
export type FreeResult = z.infer<typeof FreeResult>;

export const LogLine = z.object({
  /** Counts from 1 in each log; a transient line has the number of the line that takes its place. */
  number: z.int().min(1),
  /** When the agent read it. */
  at: Timestamp,
  text: z.string().max(5_000),
  /** A progress bar that the next line overwrites. */
  transient: z.boolean(),
});
export type LogLine = z.infer<typeof LogLine>;

export const ReadLog = z.strictObject({
  /** How many of the newest lines. */
  lines: z.int().min(0).max(MAX_LOG_LINES).default(200),
});

/** Answer of `comfy.logs`. */
export const LogPage = z.object({
  /** Names one life of the agent: line numbers are its own. */
  logId: z.string().max(100),
  /** Oldest first. */
  lines: z.array(LogLine).max(MAX_LOG_LINES),
});
export type LogPage = z.infer<typeof LogPage>;

export const FollowLog = z.object({
  /** Where to begin: this many lines back. Not looked at once `lastEventId` is there. */
  lines: z.int().min(0).max(MAX_LOG_LINES).default(0),
  /** Id of the last event seen; set by the transport when it reconnects. */
  lastEventId: z.string().max(150).nullish(),
});
export type FollowLog = z.output<typeof FollowLog>;

/** What `comfy.followLogs` yields, each with an id from which a cut stream resumes. */
export const LogEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("line"), line: LogLine }),
  /** Lines that nobody can bring back: the reader was slow or away, or the agent was started anew (`missed` null). */
  z.object({ type: z.literal("gap"), missed: z.int().min(1).nullable() }),
]);
export type LogEvent = z.infer<typeof LogEvent>;

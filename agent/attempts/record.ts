/** What the agent keeps of an attempt, in memory and in the journal, and the report it makes of it. */
import {
  type AttemptOutput,
  type AttemptReport,
  type AttemptState,
  isAttemptFinal,
  type StartAttempt,
} from "../../contracts/attempt.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Progress } from "../../contracts/progress.ts";
import type { ComfyFile, ComfyText } from "../comfy/port.ts";
import { promptIdOf } from "./prompt-id.ts";

/** The part of the order that is needed to run, and to run on after a restart. */
export interface Order extends Omit<StartAttempt, "podId" | "epoch" | "partnerKey"> {
  /** It came with a partner key, which is in nobody's journal. Absent: without. */
  hasPartnerKey?: true | undefined;
}

/** What ComfyUI said it made; kept so that collecting can be repeated after a restart of the agent. */
export interface FoundOutputs {
  files: ComfyFile[];
  texts: ComfyText[];
  cachedNodes: string[];
}

/** An output that is reported while the run goes on. */
export interface EarlyOutput {
  /** See `output-source.ts`. */
  source: string;
  output: AttemptOutput;
}

export interface AttemptRecord {
  readonly order: Order;
  /** Canonical UUID that ComfyUI knows it by. */
  readonly promptId: string;
  /** W3C trace context that the order came with; null from journals of before. */
  readonly traceparent: string | null;
  state: AttemptState;
  rev: number;
  cancelRequested: boolean;
  /** The ComfyUI it was, or is about to be, posted to; null while it waits behind another attempt. */
  generationId: string | null;
  acceptedAtMs: number;
  startedAtMs: number | null;
  executedAtMs: number | null;
  finishedAtMs: number | null;
  progress: Progress | null;
  found: FoundOutputs | null;
  /** Reported before the end, in the order in which they came. Each index belongs to its source for good. */
  early: EarlyOutput[];
  outputs: AttemptOutput[];
  cached: boolean;
  error: JobError | null;
  /** Why ComfyUI runs only a part of the graph, which is being canceled: the run fails with it, whatever comes of that. */
  refusal: JobError | null;
}

/** Of an order that was just taken. */
export function newRecord(
  order: StartAttempt,
  taken: { generationId: string | null; atMs: number; traceparent: string | null },
): AttemptRecord {
  const { podId: _podId, epoch: _epoch, partnerKey, ...kept } = order;
  return {
    order: partnerKey === undefined ? kept : { ...kept, hasPartnerKey: true },
    promptId: promptIdOf(order.attemptId),
    traceparent: taken.traceparent,
    state: "accepted",
    rev: 0,
    cancelRequested: false,
    generationId: taken.generationId,
    acceptedAtMs: taken.atMs,
    startedAtMs: null,
    executedAtMs: null,
    finishedAtMs: null,
    progress: null,
    found: null,
    early: [],
    outputs: [],
    cached: false,
    error: null,
    refusal: null,
  };
}

function toNullableTimestamp(epochMs: number | null): string | null {
  return epochMs === null ? null : toTimestamp(epochMs);
}

/** The complete snapshot that goes to the edge. */
export function toReport(record: AttemptRecord): AttemptReport {
  return {
    attemptId: record.order.attemptId,
    jobId: record.order.jobId,
    no: record.order.no,
    state: record.state,
    rev: record.rev,
    cancelRequested: record.cancelRequested,
    acceptedAt: toTimestamp(record.acceptedAtMs),
    startedAt: toNullableTimestamp(record.startedAtMs),
    executedAt: toNullableTimestamp(record.executedAtMs),
    finishedAt: toNullableTimestamp(record.finishedAtMs),
    progress: record.progress,
    outputs: isAttemptFinal(record.state) ? record.outputs : record.early.map(({ output }) => output),
    cached: record.cached,
    error: record.error,
  };
}

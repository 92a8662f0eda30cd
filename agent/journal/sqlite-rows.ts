/** Rows of the journal ⇄ records. What we wrote ourselves is parsed by the contract's schemas all the same. */
import { z } from "zod";
import { AttemptOutput, AttemptState, StartAttempt } from "../../contracts/attempt.ts";
import { JobError } from "../../contracts/job.ts";
import { Progress } from "../../contracts/progress.ts";
import type { AttemptRecord, FoundOutputs } from "../attempts/record.ts";

const Order = StartAttempt.omit({ podId: true, epoch: true, partnerKey: true })
  .extend({ hasPartnerKey: z.literal(true).optional() });

const Found: z.ZodType<FoundOutputs> = z.object({
  files: z.array(z.object({
    nodeId: z.string(),
    filename: z.string(),
    subfolder: z.string(),
    type: z.enum(["output", "temp", "input"]),
  })),
  texts: z.array(z.object({ nodeId: z.string(), text: z.string() })),
  cachedNodes: z.array(z.string()),
});

function json<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.string().transform((text): unknown => JSON.parse(text)).pipe(schema);
}

const Row = z.object({
  prompt_id: z.string(),
  work_order: json(Order),
  state: AttemptState,
  rev: z.int(),
  cancel: z.int(),
  generation_id: z.string().nullable(),
  accepted_at_ms: z.int(),
  started_at_ms: z.int().nullable(),
  executed_at_ms: z.int().nullable(),
  finished_at_ms: z.int().nullable(),
  progress: json(Progress).nullable(),
  found: json(Found).nullable(),
  early: json(z.array(z.object({ source: z.string(), output: AttemptOutput }))).nullable(),
  outputs: json(z.array(AttemptOutput)),
  cached: z.int(),
  error: json(JobError).nullable(),
  refusal: json(JobError).nullable(),
  traceparent: z.string().nullable(),
});

/** @throws ZodError when the file holds something that no agent wrote. */
export function toRecord(row: unknown): AttemptRecord {
  const parsed = Row.parse(row);
  return {
    order: parsed.work_order,
    promptId: parsed.prompt_id,
    traceparent: parsed.traceparent,
    state: parsed.state,
    rev: parsed.rev,
    cancelRequested: parsed.cancel === 1,
    generationId: parsed.generation_id,
    acceptedAtMs: parsed.accepted_at_ms,
    startedAtMs: parsed.started_at_ms,
    executedAtMs: parsed.executed_at_ms,
    finishedAtMs: parsed.finished_at_ms,
    progress: parsed.progress,
    found: parsed.found,
    early: parsed.early ?? [],
    outputs: parsed.outputs,
    cached: parsed.cached === 1,
    error: parsed.error,
    refusal: parsed.refusal,
  };
}

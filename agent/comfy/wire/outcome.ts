/**
 * What ComfyUI remembers of a prompt → {@link PromptLookup}. The messages decide, not `status_str`: an interrupted prompt
 * and a failed one are both "error", and a dependency cycle can be "success" with an error in it.
 */
import { z } from "zod";
import type { PromptLookup } from "../port.ts";
import { ExecutionError, executionFailure, isExecutionBlocked } from "./job-error.ts";
import { walkOutputs } from "./outputs.ts";

const History = z.object({
  status_str: z.string().nullish(),
  completed: z.boolean().nullish(),
  /** `[event, data][]` */
  messages: z.array(z.unknown()).nullish(),
});

/** Body of `GET /history/{id}`, under the prompt's id. */
export const HistoryEntry = z.object({ outputs: z.unknown().optional(), status: History.nullish() });

/** Body of `GET /api/jobs/{id}`. */
export const JobEntry = z.object({
  status: z.string(),
  outputs: z.unknown().optional(),
  execution_status: History.nullish(),
  execution_error: ExecutionError.nullish().catch(null),
});

const CachedNodes = z.object({ nodes: z.array(z.string()).nullish() });

type Finished = Exclude<PromptLookup, { status: "unknown" | "pending" | "running" }>;

export function historyOutcome(entry: z.infer<typeof HistoryEntry>): Finished {
  return decide(entry.status ?? {}, entry.outputs);
}

export function jobOutcome(job: z.infer<typeof JobEntry>): PromptLookup {
  switch (job.status) {
    case "pending":
      return { status: "pending" };
    case "in_progress":
      return { status: "running" };
    case "cancelled":
      return { status: "interrupted" };
    default: {
      const history = job.execution_status ?? { status_str: job.status === "failed" ? "error" : "success" };
      const outcome = decide(history, job.outputs);
      if (outcome.status !== "failed" || hasMessages(history) || !job.execution_error) return outcome;
      return { status: "failed", error: executionFailure(job.execution_error) };
    }
  }
}

function hasMessages(history: z.infer<typeof History>): boolean {
  return (history.messages ?? []).length > 0;
}

function decide(history: z.infer<typeof History>, outputs: unknown): Finished {
  let failure: ExecutionError | null = null;
  let succeeded = false;
  let interrupted = false;
  const cachedNodes: string[] = [];
  for (const message of history.messages ?? []) {
    if (!Array.isArray(message)) continue;
    const [event, data]: unknown[] = message;
    switch (event) {
      case "execution_interrupted":
        interrupted = true;
        break;
      case "execution_success":
        succeeded = true;
        break;
      case "execution_error": {
        const error = ExecutionError.catch({}).parse(data);
        if (!isExecutionBlocked(error)) failure = error;
        break;
      }
      case "execution_cached":
        cachedNodes.push(...CachedNodes.catch({}).parse(data).nodes ?? []);
        break;
    }
  }
  if (interrupted) return { status: "interrupted" };
  if (failure !== null) return { status: "failed", error: executionFailure(failure) };
  if (!succeeded && history.status_str === "error") return { status: "failed", error: executionFailure({}) };
  return { status: "succeeded", ...walkOutputs(outputs), cachedNodes };
}

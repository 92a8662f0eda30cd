/**
 * What ComfyUI remembers of a prompt → {@link PromptLookup}. The messages decide, not `status_str`: an interrupted prompt
 * and a failed one are both "error", and a dependency cycle can be "success" with an error in it. Nothing is a success that
 * ComfyUI does not call one.
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
export const HistoryEntry = z.object({
  prompt: z.array(z.unknown()).nullish().catch(null),
  outputs: z.unknown().optional(),
  status: History.nullish(),
});

/** Body of `GET /api/jobs/{id}`. */
export const JobEntry = z.object({
  status: z.string(),
  outputs: z.unknown().optional(),
  execution_status: History.nullish(),
  execution_error: ExecutionError.nullish().catch(null),
});

const CachedNodes = z.object({ nodes: z.array(z.string()).nullish() }).catch({});

type Finished = Exclude<PromptLookup, { status: "unknown" | "pending" | "running" }>;

/** What is in the history is over, so that an end of which it says nothing is no success. */
export function historyOutcome(entry: z.infer<typeof HistoryEntry>): Finished {
  return decide(entry.status ?? {}, entry.outputs) ?? failedUnsaid();
}

export function jobOutcome(job: z.infer<typeof JobEntry>): PromptLookup {
  switch (job.status) {
    case "pending":
      return { status: "pending" };
    case "in_progress":
      return { status: "running" };
    case "cancelled":
      return { status: "interrupted" };
    case "completed":
      // Without a word of success it is asked on; the watchdog ends what never says more.
      return decide(job.execution_status ?? {}, job.outputs) ?? { status: "running" };
    case "failed": {
      const history = job.execution_status ?? {};
      if ((history.messages ?? []).length === 0 && job.execution_error) {
        return { status: "failed", error: executionFailure(job.execution_error) };
      }
      return decide(history, job.outputs) ??
        { status: "failed", error: executionFailure(job.execution_error ?? {}) };
    }
    default:
      // A status of a later version: whatever it means, it is neither of the two ends that we know.
      return { status: "running" };
  }
}

function failedUnsaid(): Finished {
  return { status: "failed", error: executionFailure({}) };
}

/** Null when nothing says how it ended. */
function decide(history: z.infer<typeof History>, outputs: unknown): Finished | null {
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
        cachedNodes.push(...CachedNodes.parse(data).nodes ?? []);
        break;
    }
  }
  if (interrupted) return { status: "interrupted" };
  if (failure !== null) return { status: "failed", error: executionFailure(failure) };
  if (!succeeded && history.status_str !== "success") return history.status_str === "error" ? failedUnsaid() : null;
  return { status: "succeeded", ...walkOutputs(outputs), cachedNodes };
}

/** What a lookup of ComfyUI means for an attempt: one pure table, so that "done" and "lost" are decided in one place. */
import type { JobError } from "../../contracts/job.ts";
import type { PromptLookup } from "../comfy/port.ts";
import type { AttemptEntry } from "./entry.ts";
import type { FoundOutputs } from "./record.ts";

/** Why we have asked ComfyUI to end the run, if we have; a refusal: because it runs only a part of the graph. */
export type Ending = "cancel" | "timeout" | { refusal: JobError } | null;

/** An end without outputs. */
export type EmptyOutcome = { kind: "failed" | "lost"; error: JobError } | { kind: "canceled" };

export type Outcome = EmptyOutcome | { kind: "succeeded"; found: FoundOutputs };

export interface Sighting {
  lookup: PromptLookup;
  /** No look of the last while had heard of it: one alone may be a slip of a busy server. */
  isForgotten: boolean;
  ending: Ending;
}

const GONE: JobError = {
  code: "pod_lost",
  message: "Cannot finish the run: the ComfyUI process it ran in is gone",
  hint: "The job is queued again by itself; the pod's ComfyReady condition says what happened.",
};

const FORGOTTEN: JobError = {
  code: "pod_lost",
  message: "Cannot finish the run: ComfyUI no longer knows the prompt",
  hint: "The job is queued again by itself; somebody may have cleared ComfyUI's queue or history.",
};

const INTERRUPTED: JobError = {
  code: "canceled",
  message: "Cannot finish the run: ComfyUI was interrupted by somebody else",
  hint: "Submit the job again; nobody but the agent should use this ComfyUI.",
};

const TIMEOUT: JobError = {
  code: "timeout",
  message: "Cannot finish the run: it took longer than it may",
  hint: "Submit it with a larger runWithinMs, or make the workflow smaller.",
};

/** The end of a run that we wanted ended, and that is over without a result. */
function ended(ending: Exclude<Ending, null>): EmptyOutcome {
  if (ending === "cancel") return { kind: "canceled" };
  return { kind: "failed", error: ending === "timeout" ? TIMEOUT : ending.refusal };
}

/** The ComfyUI it ran in is gone. */
export function outcomeWhenGone(ending: Ending): EmptyOutcome {
  return ending ? ended(ending) : { kind: "lost", error: GONE };
}

/**
 * Null while the run goes on. A result that lands first wins over a cancel and over a deadline, but a part of the graph is
 * no result.
 */
export function outcomeOf({ lookup, isForgotten, ending }: Sighting): Outcome | null {
  const isOver = lookup.status !== "pending" && lookup.status !== "running";
  if (isOver && ending !== null && typeof ending === "object") return ended(ending);
  switch (lookup.status) {
    case "pending":
    case "running":
      return null;
    case "succeeded": {
      const { files, texts, cachedNodes } = lookup;
      return { kind: "succeeded", found: { files, texts, cachedNodes } };
    }
    case "failed":
      return { kind: "failed", error: lookup.error };
    case "interrupted":
      return ending ? ended(ending) : { kind: "failed", error: INTERRUPTED };
    case "unknown":
      if (ending) return ended(ending);
      return isForgotten ? { kind: "lost", error: FORGOTTEN } : null;
  }
}

/** Journals an end without outputs. */
export function finishWith(entry: AttemptEntry, outcome: EmptyOutcome): void {
  const error = outcome.kind === "canceled" ? null : outcome.error;
  entry.finish({ state: outcome.kind, error, outputs: [], cached: false });
}

/** The last leg: what the run made becomes files of our own. The slot is free meanwhile. */
import { FleetError } from "../../contracts/errors.ts";
import type { JobError } from "../../contracts/job.ts";
import { collectOutputs } from "./collect-outputs.ts";
import { finishWith, outcomeWhenGone } from "./outcome.ts";
import type { FoundOutputs } from "./record.ts";
import { isRewrittenSaver } from "./rewrite.ts";
import { nodesToRun } from "./run-nodes.ts";
import type { Run } from "./run.ts";

/** Tries while ComfyUI's API, where outputs come over it, does not answer. */
const MAX_TRIES = 5;

/** Leaves the attempt final, or, when the agent stops, `collecting`. */
export async function collectRun(run: Run): Promise<void> {
  const { entry, stop, deps } = run;
  const { found } = entry.record;
  if (found === null) throw new Error("Cannot collect outputs: the journal does not say which");
  for (let tries = 1; !stop.aborted; tries++) {
    try {
      const outputs = await collectOutputs(found, {
        attemptId: entry.id,
        workspace: deps.workspace,
        api: deps.comfy.api,
      }, stop);
      return entry.finish({ state: "succeeded", outputs, cached: renderedNothing(run, found), error: null });
    } catch (error) {
      if (stop.aborted) return;
      // Its folders are emptied by the next ComfyUI, so a file that a dead one wrote is a loss and not a fault.
      if (run.fate() === "gone") return finishWith(entry, outcomeWhenGone(null));
      const unavailable = FleetError.is(error) && error.code === "comfy_unavailable";
      if (!unavailable || tries >= MAX_TRIES) return finishWith(entry, { kind: "failed", error: toJobError(error) });
      await run.wake.wait(deps.timing.pollMs, stop);
    }
  }
}

/** True when all that ran were the savers that ran only for their new folder. */
function renderedNothing(run: Run, found: FoundOutputs): boolean {
  const { workflow } = run.entry.record.order;
  const cached = new Set(found.cachedNodes);
  if (cached.size === 0) return false;
  const ran = nodesToRun(workflow, { outputClasses: run.deps.outputClasses(), cached });
  return [...ran].every((id) => isRewrittenSaver(workflow, id));
}

function toJobError(error: unknown): JobError {
  if (FleetError.is(error)) return { code: error.code, message: error.message, hint: error.hint ?? null };
  const why = error instanceof Error && "code" in error ? String(error.code) : "the disk failed";
  return {
    code: "output_missing",
    message: `Cannot collect the outputs: ${why}`,
    hint: "Look at the pod's free disk space, then run the job again.",
  };
}

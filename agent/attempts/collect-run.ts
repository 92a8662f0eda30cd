/** The last leg: what the run made becomes files of our own. The slot is free meanwhile. */
import { FleetError } from "../../contracts/errors.ts";
import type { JobError } from "../../contracts/job.ts";
import { collectOutputs } from "./collect-outputs.ts";
import { JournalFailure } from "./journal-failure.ts";
import { type EmptyOutcome, finishWith, outcomeWhenGone } from "./outcome.ts";
import type { FoundOutputs } from "./record.ts";
import { isRewrittenSaver } from "./rewrite.ts";
import { nodesToRun } from "./run-nodes.ts";
import type { Run } from "./run.ts";

const UNANSWERED: JobError = {
  code: "comfy_unavailable",
  message: "Cannot collect the outputs: ComfyUI does not answer",
  hint: "The job is queued again by itself; the pod's ComfyReady condition says what is wrong.",
};

const STALE_CACHE: JobError = {
  code: "output_missing",
  message: "Cannot collect the outputs: ComfyUI answered from its cache with files that are gone",
  hint: "ComfyUI was told to empty its cache, and the job is queued again by itself.",
};

/**
 * Leaves the attempt final, or, when the agent stops, `collecting`. Whatever the pod lacks, be it ComfyUI, its API or room
 * on the disk, makes it `lost`; it fails only by what the run itself left behind.
 */
export async function collectRun(run: Run): Promise<void> {
  const { entry, stop, deps } = run;
  const { found } = entry.record;
  if (found === null) throw new Error("Cannot collect outputs: the journal does not say which");
  const giveUpAtMs = deps.clock.now() + deps.timing.readyWithinMs;
  while (!stop.aborted) {
    // After a restart of the agent: where a living ComfyUI has its files is known once it is adopted.
    if (run.fate() !== "unsure" && await collect(run, found)) return;
    if (deps.clock.now() >= giveUpAtMs) return finishWith(entry, { kind: "lost", error: UNANSWERED });
    await run.wake.wait(deps.timing.pollMs, stop);
  }
}

/** False when it is to be tried again. */
async function collect(run: Run, found: FoundOutputs): Promise<boolean> {
  const { entry, stop, deps: { comfy, workspace, logger } } = run;
  let outcome: EmptyOutcome;
  try {
    const outputs = await collectOutputs(found, {
      attemptId: entry.id,
      workspace,
      api: comfy.api,
      folders: run.folders(),
      isOwnDisk: comfy.ownsProcess,
      early: entry.record.early,
      onMissingTemporary: ({ nodeId, filename }) =>
        logger.warn("temporary output is gone", { attempt: entry.id, nodeId, filename }),
    }, stop);
    entry.finish({ state: "succeeded", outputs, cached: renderedNothing(run, found), error: null });
    return true;
  } catch (error) {
    if (error instanceof JournalFailure) throw error;
    if (stop.aborted) return true;
    logger.warn("collecting failed", { attempt: entry.id, error });
    // Its folders are emptied by the next ComfyUI, so a file that a dead one wrote is a loss and not a fault.
    if (run.fate() === "gone") outcome = outcomeWhenGone(null);
    else if (!FleetError.is(error)) outcome = { kind: "lost", error: diskFailed(error) };
    else if (error.code === "comfy_unavailable") return false;
    else if (isStaleCache(error, found)) outcome = await dropCache(run);
    else outcome = { kind: "failed", error: { code: error.code, message: error.message, hint: error.hint ?? null } };
  }
  finishWith(entry, outcome);
  return true;
}

/** What the cache answered names a file of an earlier run: the same graph would miss it again and again. */
function isStaleCache(error: FleetError, { cachedNodes, files }: FoundOutputs): boolean {
  return error.code === "output_missing" && files.some(({ nodeId }) => cachedNodes.includes(nodeId));
}

async function dropCache({ stop, deps: { comfy, logger } }: Run): Promise<EmptyOutcome> {
  try {
    await comfy.api.free({ models: false }, stop);
  } catch (error) {
    logger.warn("cache not dropped", { error });
  }
  return { kind: "lost", error: STALE_CACHE };
}

/** True when all that ran were the savers that ran only for their new folder. */
function renderedNothing(run: Run, found: FoundOutputs): boolean {
  const { workflow } = run.entry.record.order;
  const cached = new Set(found.cachedNodes);
  if (cached.size === 0) return false;
  const ran = nodesToRun(workflow, { outputClasses: run.deps.outputClasses(), cached });
  return [...ran].every((id) => isRewrittenSaver(workflow, id));
}

/** @throws the error itself when no file system made it: that is a fault of ours. */
function diskFailed(error: unknown): JobError {
  if (!(error instanceof Error) || !("code" in error)) throw error;
  return {
    code: "output_missing",
    message: `Cannot collect the outputs: the pod's disk failed (${String(error.code)})`,
    hint: "The job is queued again by itself; look at the pod's free disk space.",
  };
}

/** The first leg of an attempt: inputs staged, graph rewritten, posted to ComfyUI exactly once. */
import { FleetError, toFleetError } from "../../contracts/errors.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { PromptSubmission } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import { traceparentOf } from "./attempt-trace.ts";
import { KEY_LOST } from "./partner-keys.ts";
import { type EmptyOutcome, finishWith, outcomeWhenGone } from "./outcome.ts";
import { PostSearch } from "./post-search.ts";
import { rewriteWorkflow } from "./rewrite.ts";
import type { Run } from "./run.ts";
import { stageInputs } from "./stage-inputs.ts";

const UNPOSTED: JobError = {
  code: "comfy_unavailable",
  message: "Cannot give the prompt to ComfyUI: it is not ready or does not answer",
  hint: "The job is queued again by itself; the pod's ComfyReady condition says what is wrong.",
};

const UNSTAGED: JobError = {
  code: "comfy_unavailable",
  message: "Cannot stage the inputs: the pod has lost one of them, or its disk has failed",
  hint: "The job is queued again by itself; if it happens again, look at the pod's disk.",
};

/**
 * Leaves the attempt `running` or final, or, when the agent stops, as it was.
 * @param mayBeThere An earlier try may have reached ComfyUI: it is looked for before it is posted.
 */
export async function postPrompt(run: Run, mayBeThere: boolean): Promise<void> {
  const { entry, stop, deps: { clock, timing, partnerKeys } } = run;
  let giveUpAtMs = clock.now() + timing.readyWithinMs;
  let workflow: Workflow | null = null;
  let search = mayBeThere ? new PostSearch(run) : null;
  while (!stop.aborted && !entry.isFinal) {
    if (run.fate() === "gone") return finishWith(entry, outcomeWhenGone(run.ending));
    const found = await search?.look();
    if (found === "begun") return;
    if (found === "absent") search = null;
    if (search === null) {
      if (entry.record.cancelRequested) return finishWith(entry, { kind: "canceled" });
      if (partnerKeys.isLost(entry.record)) return finishWith(entry, { kind: "lost", error: KEY_LOST });
      if (workflow === null && bindWhenReady(run)) {
        workflow = await stage(run);
        // However long the inputs took, ComfyUI has its full time from here.
        if (workflow !== null) giveUpAtMs = clock.now() + timing.readyWithinMs;
        if (workflow !== null || stop.aborted || entry.isFinal) continue;
      } else if (workflow !== null && bindWhenReady(run)) {
        if (await post(run, workflow) === "settled") return;
        search = new PostSearch(run);
        continue;
      }
    }
    // Before the adoption is decided, which has a deadline of its own, there is nobody to be told.
    if (clock.now() >= giveUpAtMs && (search === null || run.fate() === "alive")) {
      if (giveUp(run, search !== null)) return;
      giveUpAtMs = Infinity;
    }
    await run.wake.wait(Math.min(timing.pollMs, timing.absentAfterMs / 2), stop);
  }
}

/** True when ComfyUI may be given the prompt now; the attempt belongs to this generation of it from then on. */
function bindWhenReady({ entry, deps: { comfy } }: Run): boolean {
  const { generation } = comfy.status;
  if (!takesPrompts(comfy.status) || generation === null) return false;
  if (entry.record.generationId === null) entry.bind(generation.id);
  return true;
}

async function post(run: Run, workflow: Workflow): Promise<"settled" | "unanswered"> {
  const { entry, stop, deps: { comfy, partnerKeys, logger } } = run;
  let submission: PromptSubmission;
  try {
    const { previews } = entry.record.order;
    const traceparent = traceparentOf(entry.record);
    const partnerKey = partnerKeys.of(entry.record);
    submission = await comfy.api.submit({ promptId: run.promptId, workflow, previews, traceparent, partnerKey }, stop);
  } catch (error) {
    if (stop.aborted) return "settled";
    // Whatever it was, ComfyUI may have the prompt.
    logger.warn("submit failed", { attempt: entry.id, error });
    return "unanswered";
  }
  // Outside of the try: what ComfyUI answered is known, and a journal that fails now is no missing answer.
  switch (submission.status) {
    case "accepted":
      run.begin();
      break;
    case "taken_in_part":
      run.begin(submission.error);
      break;
    case "refused":
      finishWith(entry, { kind: "failed", error: submission.error });
      break;
  }
  return "settled";
}

/** The graph as ComfyUI gets it. Null when the attempt is final without it, or ComfyUI does not take the inputs now. */
async function stage(run: Run): Promise<Workflow | null> {
  const { entry, stop, deps: { comfy, inputs, workspace, logger } } = run;
  const { order } = entry.record;
  let outcome: EmptyOutcome;
  try {
    const stagedNames = await stageInputs(order, { inputs, workspace, api: comfy.api }, stop);
    return rewriteWorkflow(order.workflow, { attemptId: entry.id, stagedNames });
  } catch (error) {
    if (stop.aborted) return null;
    logger.warn("staging failed", { attempt: entry.id, error });
    if (FleetError.is(error)) {
      if (error.code === "comfy_unavailable") return null;
      outcome = { kind: "failed", error: toJobError(error) };
    } else {
      for (const input of order.inputs) inputs.miss(input.sha256);
      outcome = { kind: "lost", error: UNSTAGED };
    }
  }
  finishWith(entry, outcome);
  return null;
}

/**
 * Ends an attempt that waited too long. One that ComfyUI may have, or get yet, keeps the slot until that ComfyUI is gone,
 * or is told to drop it where it is not ours to end. False when its end is still to come.
 */
function giveUp(run: Run, mayBeThere: boolean): boolean {
  const { entry, deps: { timing } } = run;
  if (mayBeThere) {
    const seconds = Math.round(timing.readyWithinMs / 1_000);
    run.abandon({ reason: "Unresponsive", message: `ComfyUI did not say for ${seconds} s whether it has a prompt` });
    if (!run.isAbandoned) return false;
  }
  finishWith(entry, run.ending === "cancel" ? { kind: "canceled" } : { kind: "lost", error: UNPOSTED });
  return true;
}

function toJobError(cause: FleetError): JobError {
  const { code, message, hint } = toFleetError(cause);
  return { code, message, hint: hint ?? null };
}

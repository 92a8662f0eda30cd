/** The first leg of an attempt: inputs staged, graph rewritten, posted to ComfyUI exactly once. */
import { FleetError, toFleetError } from "../../contracts/errors.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { PromptSubmission } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";
import { type EmptyOutcome, finishWith, outcomeWhenGone } from "./outcome.ts";
import { rewriteWorkflow } from "./rewrite.ts";
import type { Run } from "./run.ts";
import { stageInputs } from "./stage-inputs.ts";
import { whatWasTaken } from "./taken-part.ts";

type Posted = "settled" | "unanswered";

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
 * @param mayBeThere An earlier try may have reached ComfyUI: it is looked up before it is posted.
 */
export async function postPrompt(run: Run, mayBeThere: boolean): Promise<void> {
  const { entry, stop, deps: { comfy, clock, timing } } = run;
  const giveUpAtMs = clock.now() + timing.readyWithinMs;
  let unsure = mayBeThere;
  while (!stop.aborted && !entry.isFinal) {
    if (run.fate() === "gone") return finishWith(entry, outcomeWhenGone(run.ending));
    if (unsure) {
      const lookup = run.fate() === "alive" ? await run.lookup() : null;
      if (lookup !== null && lookup.status !== "unknown") {
        if (await beginIfTaken(run)) return;
      } else {
        unsure = lookup === null;
      }
    }
    if (!unsure) {
      if (entry.record.cancelRequested) return finishWith(entry, { kind: "canceled" });
      const { generation } = comfy.status;
      if (takesPrompts(comfy.status) && generation !== null) {
        if (entry.record.generationId === null) entry.bind(generation.id);
        if (await post(run) === "settled") return;
        unsure = true;
        continue;
      }
    }
    if (clock.now() >= giveUpAtMs) return await giveUp(run);
    await run.wake.wait(timing.pollMs, stop);
  }
}

async function post(run: Run): Promise<Posted> {
  const { entry, stop, deps: { comfy } } = run;
  const workflow = await stage(run);
  if (workflow === "settled" || workflow === "unanswered") return workflow;
  let submission: PromptSubmission;
  try {
    const { previews } = entry.record.order;
    submission = await comfy.api.submit({ promptId: run.promptId, workflow, previews }, stop);
  } catch (error) {
    // Whatever it was, ComfyUI may have the prompt.
    return stop.aborted ? "settled" : unanswered(run, error);
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

/** ComfyUI has it by a POST whose answer nobody has read. False when it cannot be asked now for what it took. */
async function beginIfTaken(run: Run): Promise<boolean> {
  const taken = await whatWasTaken(run);
  if (taken === null) return run.stop.aborted;
  run.isUnconfirmed = taken.isUnconfirmed;
  run.begin(taken.refusal);
  return true;
}

/** The graph as ComfyUI gets it, unless that could not be made. */
async function stage(run: Run): Promise<Workflow | Posted> {
  const { entry, stop, deps: { comfy, inputs, workspace, logger } } = run;
  const { order } = entry.record;
  let outcome: EmptyOutcome;
  try {
    const stagedNames = await stageInputs(order, { inputs, workspace, api: comfy.api }, stop);
    return rewriteWorkflow(order.workflow, { attemptId: entry.id, stagedNames });
  } catch (error) {
    if (stop.aborted) return "settled";
    if (FleetError.is(error)) {
      if (error.code === "comfy_unavailable") return unanswered(run, error);
      outcome = { kind: "failed", error: toJobError(error) };
    } else {
      logger.error("staging failed", { attempt: entry.id, error });
      for (const input of order.inputs) inputs.miss(input.sha256);
      outcome = { kind: "lost", error: UNSTAGED };
    }
  }
  finishWith(entry, outcome);
  return "settled";
}

function unanswered(run: Run, error: unknown): "unanswered" {
  run.deps.logger.warn("submit failed", { attempt: run.entry.id, error });
  return "unanswered";
}

async function giveUp(run: Run): Promise<void> {
  // It might be there or arrive late all the same, and nobody waits for it any more.
  await run.deps.comfy.api.cancel(run.promptId, run.stop).catch(() => undefined);
  finishWith(run.entry, run.ending === "cancel" ? { kind: "canceled" } : { kind: "lost", error: UNPOSTED });
}

function toJobError(cause: FleetError): JobError {
  const { code, message, hint } = toFleetError(cause);
  return { code, message, hint: hint ?? null };
}

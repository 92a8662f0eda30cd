/** Ends a run that takes longer than it may, or that gives no sign of work. */
import type { JobError } from "../../contracts/job.ts";
import type { Run } from "./run.ts";

/** What a long silence turned out to be. */
type Silence = "deaf" | "stuck" | "over";

/**
 * Silence is half believed: a socket can be open and deaf, so at half the time it is opened anew, which makes ComfyUI say
 * which node runs. What is silent for the other half too is stuck, if ComfyUI itself says that it still runs.
 */
export async function watchDeadlines(run: Run): Promise<void> {
  const { clock, timing } = run.deps;
  const { over, entry } = run;
  const endAtMs = (entry.record.startedAtMs ?? clock.now()) + entry.record.order.runWithinMs;
  const halfMs = timing.noProgressMs / 2;
  let reopenedAtMs = Number.NEGATIVE_INFINITY;
  while (!over.aborted) {
    const nowMs = clock.now();
    // A run that is being ended is watched by the cancel's own grace time.
    if (run.ending !== null) return;
    if (nowMs >= endAtMs) return run.timeOut();
    const wasReopened = reopenedAtMs > run.lastSignMs;
    const nextAtMs = (wasReopened ? reopenedAtMs : run.lastSignMs) + halfMs;
    if (nowMs < nextAtMs) await clock.sleep(Math.min(endAtMs, nextAtMs) - nowMs, over);
    else if (wasReopened && await judgeSilence(run) !== "deaf") return;
    else {
      reopenedAtMs = clock.now();
      run.deps.comfy.reopenSocket("it heard nothing of a run for long");
    }
  }
}

/** One last look. An unanswered one proves nothing: ComfyUI's own watchdog judges its silence. */
async function judgeSilence(run: Run): Promise<Silence> {
  const { comfy: { ownsProcess }, logger, timing } = run.deps;
  const lookup = await run.lookup();
  if (run.over.aborted || run.ending !== null) return "over";
  if (lookup === null) return "deaf";
  if (lookup.status !== "running") {
    // The other loop sees to an end, and notes that a prompt which only waits is not silent.
    if (lookup.status === "pending") run.lastSignMs = run.deps.clock.now();
    run.wake.ring();
    return "deaf";
  }
  const seconds = Math.round(timing.noProgressMs / 1_000);
  run.verdict = noProgress(seconds, ownsProcess);
  logger.warn("no progress", { attempt: run.entry.id, noProgressMs: timing.noProgressMs });
  run.abandon({ reason: "NoProgress", message: `A run gave no sign of work for ${seconds} s` });
  return "stuck";
}

function noProgress(seconds: number, ownsProcess: boolean): JobError {
  const consequence = ownsProcess
    ? "ComfyUI was started anew."
    : "ComfyUI is not the agent's and may still run it: restart it by hand.";
  return {
    code: "no_progress",
    message: `Cannot finish the run: ComfyUI gave no sign of work for ${seconds} s`,
    hint: `${consequence} Look at its log; raise AGENT_NO_PROGRESS_MS for nodes that are silent longer.`,
  };
}

/**
 * The second leg: ComfyUI has the prompt. Its end is found by three ways, any one enough: the socket rings, the poll looks,
 * the generation is gone. Only a lookup decides what the end was.
 */
import { cancelUntilOver } from "./cancel-until-over.ts";
import { finishWith, type Outcome, outcomeOf, outcomeWhenGone } from "./outcome.ts";
import type { Run } from "./run.ts";
import { refusalOfResult } from "./taken-part.ts";
import { watchDeadlines } from "./watch-deadlines.ts";

/** Leaves the attempt `collecting` or final, or, when the agent stops, `running`. */
export async function followRun(run: Run): Promise<void> {
  const beside = [cancelUntilOver(run), watchDeadlines(run)];
  try {
    const outcome = await findOutcome(run);
    if (outcome !== null) settle(run, outcome);
  } finally {
    run.end();
    await Promise.all([...beside, run.early.done()]);
  }
}

/** Null when the agent stops. */
async function findOutcome(run: Run): Promise<Outcome | null> {
  const { clock, timing } = run.deps;
  /** Since when every look found it unknown; null while ComfyUI knows it. */
  let unknownSinceMs: number | null = null;
  let waitMs = run.saidToBeOver ? 0 : timing.pollMs;
  for (;;) {
    await run.wake.wait(waitMs, run.stop);
    if (run.stop.aborted) return null;
    if (run.verdict !== null) return { kind: "failed", error: run.verdict };
    if (run.isAbandoned) return outcomeWhenGone(run.ending);
    const fate = run.fate();
    if (fate === "gone") return outcomeWhenGone(run.ending);
    const lookup = fate === "alive" ? await run.lookup() : null;
    if (run.stop.aborted) return null;
    if (lookup !== null) {
      // A busy or older server may know nothing of a prompt for a moment, above all between its end and its history.
      const isForgotten = unknownSinceMs !== null && clock.now() - unknownSinceMs >= timing.absentAfterMs;
      const outcome = outcomeOf({ lookup, isForgotten, ending: run.ending });
      if (outcome?.kind === "succeeded" && run.isUnconfirmed) {
        const refusal = refusalOfResult(run, outcome.found);
        if (refusal !== null) return { kind: "failed", error: refusal };
      }
      if (outcome !== null) return outcome;
      // Nothing is to be heard of a prompt that waits in ComfyUI's queue.
      if (lookup.status === "pending") run.lastSignMs = clock.now();
      unknownSinceMs = lookup.status === "unknown" ? unknownSinceMs ?? clock.now() : null;
    }
    waitMs = nextWait(run, waitMs);
  }
}

/** Short and growing waits while the socket and the lookup contradict each other, else the poll's. */
function nextWait(run: Run, lastMs: number): number {
  const { hurryMs, pollMs } = run.deps.timing;
  if (!run.saidToBeOver) return pollMs;
  const nextMs = lastMs >= pollMs || lastMs === 0 ? hurryMs : lastMs * 2;
  if (nextMs >= pollMs) run.saidToBeOver = false;
  return Math.min(nextMs, pollMs);
}

function settle(run: Run, outcome: Outcome): void {
  const { entry, deps } = run;
  if (outcome.kind === "succeeded") {
    run.completeProgress();
    entry.collect(outcome.found);
    return;
  }
  finishWith(entry, outcome);
  if (outcome.kind === "failed" && outcome.error.code === "gpu_fault") {
    deps.comfy.restart("GpuFault", outcome.error.message);
  }
}

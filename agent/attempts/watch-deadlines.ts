/** Ends a run that takes longer than it may, or that gives no sign of work. */
import type { Run } from "./run.ts";

export async function watchDeadlines(run: Run): Promise<void> {
  const { clock, timing, comfy, logger } = run.deps;
  const { over, entry } = run;
  const endAtMs = (entry.record.startedAtMs ?? clock.now()) + entry.record.order.runWithinMs;
  while (!over.aborted) {
    const nowMs = clock.now();
    // A run that is being ended is watched by the cancel's own grace time.
    if (run.ending !== null) return;
    if (nowMs >= endAtMs) return run.timeOut();
    const silentAtMs = run.lastSignMs + timing.noProgressMs;
    if (nowMs >= silentAtMs) {
      const seconds = Math.round(timing.noProgressMs / 1_000);
      run.verdict = {
        code: "no_progress",
        message: `Cannot finish the run: ComfyUI gave no sign of work for ${seconds} s`,
        hint:
          "ComfyUI was started anew. Look at the pod's log; raise AGENT_NO_PROGRESS_MS for nodes that are silent longer.",
      };
      logger.warn("no progress", { attempt: entry.id, noProgressMs: timing.noProgressMs });
      run.wake.ring();
      return comfy.restart("NoProgress", `A run gave no sign of work for ${seconds} s`);
    }
    await clock.sleep(Math.min(endAtMs, silentAtMs) - nowMs, over);
  }
}

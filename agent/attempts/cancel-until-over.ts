/**
 * Asks ComfyUI to end a run, again and again: it loses a cancel that comes at the wrong moment, and a node that reports no
 * progress cannot be stopped at all. After the grace time ComfyUI itself is ended where it is ours, and else the run is
 * over for its job while ComfyUI is told to cancel it on.
 */
import type { Run } from "./run.ts";

export async function cancelUntilOver(run: Run): Promise<void> {
  const { comfy, clock, timing, logger } = run.deps;
  const { over } = run;
  await run.asked(over);
  const askedAtMs = clock.now();
  let isEscalated = false;
  while (!over.aborted) {
    try {
      await comfy.api.cancel(run.promptId, over);
      run.wake.ring();
    } catch (error) {
      if (!over.aborted) logger.debug("cancel failed", { attempt: run.entry.id, error });
    }
    await clock.sleep(timing.cancelEveryMs, over);
    if (over.aborted || clock.now() - askedAtMs < timing.cancelGraceMs || isEscalated) continue;
    isEscalated = true;
    const seconds = Math.round(timing.cancelGraceMs / 1_000);
    logger.warn("cancel not obeyed", { attempt: run.entry.id, graceMs: timing.cancelGraceMs });
    run.abandon({ reason: "CancelNotObeyed", message: `ComfyUI went on with a canceled run for ${seconds} s` });
  }
}

/**
 * Asks ComfyUI to end a run, again and again: it loses a cancel that comes at the wrong moment, and a node that reports no
 * progress cannot be stopped at all. After the grace time ComfyUI itself is ended.
 */
import type { Run } from "./run.ts";

export async function cancelUntilOver(run: Run): Promise<void> {
  const { comfy, clock, timing, logger } = run.deps;
  const { over } = run;
  await run.asked(over);
  const askedAtMs = clock.now();
  let escalated = false;
  while (!over.aborted) {
    try {
      await comfy.api.cancel(run.promptId, over);
      run.wake.ring();
    } catch (error) {
      if (!over.aborted) logger.debug("cancel failed", { attempt: run.entry.id, error });
    }
    await clock.sleep(timing.cancelEveryMs, over);
    if (!over.aborted && !escalated && clock.now() - askedAtMs >= timing.cancelGraceMs) {
      escalated = true;
      const seconds = Math.round(timing.cancelGraceMs / 1_000);
      logger.warn("cancel not obeyed", { attempt: run.entry.id, graceMs: timing.cancelGraceMs });
      comfy.restart("CancelNotObeyed", `ComfyUI went on with a canceled run for ${seconds} s`);
    }
  }
}

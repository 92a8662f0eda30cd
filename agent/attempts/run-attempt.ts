/** An attempt's whole life, from whatever state the journal has it in to its end. */
import { collectRun } from "./collect-run.ts";
import { followRun } from "./follow-run.ts";
import { finishWith } from "./outcome.ts";
import { postPrompt } from "./post-prompt.ts";
import type { Run } from "./run.ts";

/**
 * Never rejects. Ends early when the agent stops, with the attempt as the journal has it.
 * @param mayBeThere See {@link postPrompt}.
 */
export async function runAttempt(run: Run, mayBeThere: boolean): Promise<void> {
  const { entry, deps: { logger } } = run;
  try {
    if (entry.record.state === "accepted") await postPrompt(run, mayBeThere);
    if (entry.record.state === "running") await followRun(run);
    if (entry.record.state === "collecting") await collectRun(run);
  } catch (error) {
    logger.error("attempt failed inside the agent", { attempt: entry.id, error });
    finishInternally(run);
  } finally {
    run.end();
  }
}

function finishInternally(run: Run): void {
  try {
    finishWith(run.entry, {
      kind: "failed",
      error: { code: "internal", message: "Cannot finish the run: an internal error occurred in the agent" },
    });
  } catch (error) {
    // Only a journal that cannot be written leads here; the next agent goes on from what it says.
    run.deps.logger.error("attempt cannot be journaled", { attempt: run.entry.id, error });
  }
}

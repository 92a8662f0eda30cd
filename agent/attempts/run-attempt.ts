/** An attempt's whole life, from whatever state the journal has it in to its end. */
import { collectRun } from "./collect-run.ts";
import { followRun } from "./follow-run.ts";
import { JournalFailure } from "./journal-failure.ts";
import { finishWith } from "./outcome.ts";
import { postPrompt } from "./post-prompt.ts";
import type { Run } from "./run.ts";

/**
 * Never rejects. Ends early when the agent stops, with the attempt as the journal has it; and when the journal cannot be
 * written, which is the end of this agent: the next one goes on from what the journal says and ComfyUI knows.
 * @param mayBeThere See {@link postPrompt}.
 */
export async function runAttempt(run: Run, mayBeThere: boolean): Promise<void> {
  const { entry, deps } = run;
  try {
    await goOn(run, mayBeThere);
  } catch (error) {
    deps.logger.error("attempt cannot be journaled", { attempt: entry.id, error });
    // An agent that stops has its own way to end.
    if (!run.stop.aborted) deps.onFatal(error);
  } finally {
    run.end();
  }
}

/** @throws JournalFailure */
async function goOn(run: Run, mayBeThere: boolean): Promise<void> {
  const { entry, deps: { logger } } = run;
  try {
    if (entry.record.state === "accepted") await postPrompt(run, mayBeThere);
    if (entry.record.state === "running") await followRun(run);
    if (entry.record.state === "collecting") await collectRun(run);
  } catch (error) {
    if (error instanceof JournalFailure) throw error;
    logger.error("attempt failed inside the agent", { attempt: entry.id, error });
    finishWith(entry, {
      kind: "failed",
      error: { code: "internal", message: "Cannot finish the run: an internal error occurred in the agent" },
    });
  }
}

/** What is left of attempts goes: a finished run's files in ComfyUI's folders, and everything of a released one. */
import type { AttemptId } from "../../contracts/ids.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { Comfy } from "../comfy/port.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Journal } from "../journal/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AttemptEntry } from "./entry.ts";
import type { AttemptTiming } from "./timing.ts";
import type { Workspace } from "./workspace.ts";

export interface TidyDeps {
  comfy: Comfy;
  clock: Clock;
  timing: Pick<AttemptTiming, "cancelEveryMs" | "tidyAfterMs">;
  workspace: Workspace;
  journal: Journal;
  logger: Logger;
}

/** All of it goes on in the background and never rejects. */
export interface Tidy {
  /** The run is over and collected. */
  finished(entry: AttemptEntry): void;
  /** Nobody asks for it any more. */
  released(attempt: { attemptId: AttemptId; promptId: string }): void;
  /** Resolves when nothing goes on in the background. */
  done(): Promise<unknown>;
}

/** @param stop ends it early when the agent stops: the next one goes on */
export function createTidy(deps: TidyDeps, stop: AbortSignal): Tidy {
  const { comfy, clock, timing, workspace, journal, logger } = deps;
  const cleaning = new Set<Promise<void>>();

  /** Waits until ComfyUI runs the prompt no more, and so needs its files no more. False when the agent stops before. */
  async function isGone(promptId: string): Promise<boolean> {
    while (!stop.aborted && comfy.status.evicting.includes(promptId)) await clock.sleep(timing.cancelEveryMs, stop);
    return !comfy.status.evicting.includes(promptId);
  }

  async function clean(attemptId: AttemptId, promptId: string): Promise<void> {
    if (!await isGone(promptId)) return;
    await workspace.remove(attemptId);
    journal.clean(attemptId);
    if (comfy.status.state === "ready") await comfy.api.forget(promptId, stop);
  }

  async function cleanFinished(attemptId: AttemptId, record: AttemptEntry["record"]): Promise<void> {
    if (!await isGone(record.promptId)) return;
    // At once: the next attempt may write a file of the same name.
    if (comfy.ownsProcess) await workspace.removeStrays(attemptId, record.found?.files ?? []);
    // The edge fetches the outputs now; what is only tidiness comes after.
    await clock.sleep(timing.tidyAfterMs, stop);
    await workspace.cleanComfy(attemptId);
  }

  function keep(work: Promise<void>): void {
    cleaning.add(work);
    void work.finally(() => cleaning.delete(work));
  }

  return {
    finished({ id, record }) {
      keep(
        cleanFinished(id, record).catch((error: unknown) => {
          logger.warn("attempt's files remain", { attempt: id, trace_id: traceIdOf(record.traceparent), error });
        }),
      );
    },
    released({ attemptId, promptId }) {
      const cleaned = clean(attemptId, promptId).catch((error: unknown) => {
        if (!stop.aborted) logger.warn("release left something behind", { attempt: attemptId, error });
      });
      keep(cleaned);
    },
    done: () => Promise.all(cleaning),
  };
}

/**
 * What is left of attempts goes: everything of released ones, all of one release in one go, and the files in ComfyUI's
 * folders of a finished run that is not released for long.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AttemptId } from "../../contracts/ids.ts";
import { traceIdOf } from "../../contracts/telemetry/trace-context.ts";
import type { Comfy } from "../comfy/port.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Journal } from "../journal/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AttemptEntry } from "./entry.ts";
import type { AttemptRecord } from "./record.ts";
import type { AttemptTiming } from "./timing.ts";
import type { Kept, Workspace } from "./workspace.ts";

export interface TidyDeps {
  comfy: Comfy;
  clock: Clock;
  timing: Pick<AttemptTiming, "cancelEveryMs" | "tidyAfterMs">;
  workspace: Workspace;
  journal: Journal;
  logger: Logger;
}

export interface Released {
  attemptId: AttemptId;
  promptId: string;
  /** All that were collected of it; null: an unknown number. */
  outputs: readonly Kept[] | null;
}

export function leftBy(record: Readonly<AttemptRecord>): Released {
  const { order: { attemptId }, promptId, state, found, outputs, early } = record;
  // A collection that failed does not say how far it came.
  const isKnown = state === "succeeded" || found === null;
  return { attemptId, promptId, outputs: isKnown ? [...outputs, ...early.map(({ output }) => output)] : null };
}

/** All of it goes on in the background and never rejects. */
export interface Tidy {
  /** The run is over and collected. */
  finished(entry: AttemptEntry): void;
  /** Nobody asks for them any more. */
  released(attempts: readonly Released[]): void;
  /** Resolves when nothing goes on in the background. */
  done(): Promise<unknown>;
}

/** @param stop ends it early when the agent stops: the next one goes on */
export function createTidy(deps: TidyDeps, stop: AbortSignal): Tidy {
  const { comfy, clock, timing, workspace, journal, logger } = deps;
  const working = new Set<Promise<void>>();
  /** Finished and not released: whether their folders with ComfyUI are gone. */
  const finished = new Map<AttemptId, { isClean: boolean }>();

  /** Waits until ComfyUI runs the prompt no more, and so needs its files no more. False when the agent stops before. */
  async function isGone(promptId: string): Promise<boolean> {
    while (!stop.aborted && isEvicting(promptId)) await clock.sleep(timing.cancelEveryMs, stop);
    return !isEvicting(promptId);
  }

  function isEvicting(promptId: string): boolean {
    return comfy.status.evicting.includes(promptId);
  }

  async function clean(released: readonly Released[]): Promise<void> {
    const gone: Released[] = [];
    for (const one of released) {
      if (!await isGone(one.promptId)) return;
      const { attemptId, outputs } = one;
      const isClean = finished.get(attemptId)?.isClean ?? false;
      finished.delete(attemptId);
      try {
        if (!isClean) await workspace.cleanComfy(attemptId);
        await workspace.removeOutputs(attemptId, outputs);
        gone.push(one);
      } catch (error) {
        logger.warn("release left something behind", { attempt: attemptId, error });
      }
      // Each is done in one go: the next job need not wait for all of them.
      await nextTurn();
    }
    if (gone.length === 0) return;
    journal.clean(gone.map(({ attemptId }) => attemptId));
    if (comfy.status.state === "ready") await comfy.api.forget(gone.map(({ promptId }) => promptId), stop);
  }

  async function cleanFinished(attemptId: AttemptId, record: AttemptEntry["record"]): Promise<void> {
    if (!await isGone(record.promptId)) return;
    // At once: the next attempt may write a file of the same name.
    if (comfy.ownsProcess) await workspace.removeStrays(attemptId, record.found?.files ?? []);
    await clock.sleep(timing.tidyAfterMs, stop);
    const state = finished.get(attemptId);
    if (state === undefined) return;
    await workspace.cleanComfy(attemptId);
    state.isClean = true;
  }

  function keep(work: Promise<void>): void {
    working.add(work);
    void work.finally(() => working.delete(work));
  }

  function begin(released: readonly Released[]): void {
    const cleaned = clean(released).catch((error: unknown) => {
      if (!stop.aborted) logger.warn("release left something behind", { attempts: released.length, error });
    });
    keep(cleaned);
  }

  return {
    finished({ id, record }) {
      finished.set(id, { isClean: false });
      keep(
        cleanFinished(id, record).catch((error: unknown) => {
          logger.warn("attempt's files remain", { attempt: id, trace_id: traceIdOf(record.traceparent), error });
        }),
      );
    },
    released(attempts) {
      // One that ComfyUI may still run holds up nobody else.
      const held = attempts.filter(({ promptId }) => isEvicting(promptId));
      const free = attempts.filter(({ promptId }) => !isEvicting(promptId));
      for (const batch of [free, ...held.map((one) => [one])]) if (batch.length > 0) begin(batch);
    },
    done: () => Promise.all(working),
  };
}

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
  /** Resolves when nothing writes to its files any more; soon. */
  over: Promise<unknown>;
}

/** @param over its run, if that still goes on */
export function leftBy(record: Readonly<AttemptRecord>, over: Promise<unknown> = Promise.resolve()): Released {
  const { order: { attemptId }, promptId, state, outputs, early } = record;
  // What ended otherwise does not say how much of it was taken before.
  const isKnown = state === "succeeded";
  return { attemptId, promptId, outputs: isKnown ? [...outputs, ...early.map(({ output }) => output)] : null, over };
}

/** Of a release, in a line of the log. */
const MAX_NAMED = 16;

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
  /** Finished, not released, and when their folders with ComfyUI are to go; the next first. */
  const due = new Map<AttemptId, number>();
  /** Finished, not released, and whether their folders are gone. */
  const unreleased = new Map<AttemptId, "kept" | "cleaned">();
  let isWaiting = false;

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
      const { attemptId, outputs } = one;
      await one.over;
      if (!await isGone(one.promptId)) return;
      const isCleaned = unreleased.get(attemptId) === "cleaned";
      unreleased.delete(attemptId);
      due.delete(attemptId);
      try {
        if (!isCleaned) await workspace.cleanComfy(attemptId, { isOwnDisk: comfy.ownsProcess });
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
    // Released meanwhile, with all that is left of it.
    if (!unreleased.has(attemptId)) return;
    due.set(attemptId, clock.now() + timing.tidyAfterMs);
    if (!isWaiting) await cleanDue();
  }

  /** One wait for all of them: a wait of its own would keep each attempt's graph for as long. */
  async function cleanDue(): Promise<void> {
    isWaiting = true;
    try {
      for (let [next] = due; next !== undefined; [next] = due) {
        const [attemptId, atMs] = next;
        await clock.sleep(Math.max(0, atMs - clock.now()), stop);
        if (stop.aborted) return;
        // Released meanwhile, with all that is left of it.
        if (!due.delete(attemptId)) continue;
        await cleanOne(attemptId);
      }
    } finally {
      isWaiting = false;
    }
  }

  async function cleanOne(attemptId: AttemptId): Promise<void> {
    try {
      const isClean = await workspace.cleanComfy(attemptId, { isOwnDisk: comfy.ownsProcess });
      // Where another's folders are is told by its process, which may be away: then the release looks once more.
      if (isClean && comfy.ownsProcess && unreleased.has(attemptId)) unreleased.set(attemptId, "cleaned");
    } catch (error) {
      logger.warn("attempt's files remain", { attempt: attemptId, error });
    }
  }

  function keep(work: Promise<void>): void {
    working.add(work);
    void work.finally(() => working.delete(work));
  }

  function begin(released: readonly Released[]): void {
    const work = clean(released).catch((error: unknown) => {
      const attempts = released.slice(0, MAX_NAMED).map(({ attemptId }) => attemptId);
      if (!stop.aborted) logger.warn("release left something behind", { attempts, count: released.length, error });
    });
    keep(work);
  }

  return {
    finished({ id, record }) {
      unreleased.set(id, "kept");
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

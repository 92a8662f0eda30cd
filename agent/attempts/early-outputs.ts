/**
 * Outputs before the end: what nodes have told of while the run goes on is taken as files of our own, for an edge to fetch
 * meanwhile. A hint and no more: what cannot be taken is left out, ComfyUI's socket may have gaps, and the collection at
 * the end takes everything anew. A run that ends within {@link AttemptTiming.earlyAfterMs} of it has paid for nothing.
 */
import type { Clock } from "../comfy/clock.ts";
import type { Comfy, ComfyFile, ComfyFolders, ComfyText } from "../comfy/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AttemptEntry } from "./entry.ts";
import { type OutputSource, sourcesIn, takeSource } from "./output-source.ts";
import type { AttemptTiming } from "./timing.ts";
import type { Workspace } from "./workspace.ts";

/** Each of them is in every report and in the job's row. */
const MAX_EARLY_OUTPUTS = 256;
/** Bounds what one attempt's revision rises by: see the journal's `skipRevs`. */
const MAX_EARLY_REPORTS = 512;

export interface EarlyDeps {
  comfy: Comfy;
  clock: Clock;
  timing: Pick<AttemptTiming, "earlyAfterMs">;
  workspace: Workspace;
  logger: Logger;
}

export interface EarlyRun {
  entry: AttemptEntry;
  /** Aborted when ComfyUI is done with it, or the agent stops. */
  over: AbortSignal;
  /** Of the generation that runs it; null: over the API. */
  folders: () => ComfyFolders | null;
  /** Somebody wants its end, or ComfyUI has said that it is there: nobody waits for more of it. */
  isEnding: () => boolean;
}

export class EarlyOutputs {
  readonly #run: EarlyRun;
  readonly #deps: EarlyDeps;
  /** Told of and not yet tried, by their keys: a file that is written again is taken again. */
  readonly #waiting = new Map<string, OutputSource>();
  #isAtWork = false;
  #work: Promise<void> = Promise.resolve();
  #reports = 0;

  constructor(run: EarlyRun, deps: EarlyDeps) {
    this.#run = run;
    this.#deps = deps;
  }

  /** Takes in what a node has made; returns at once. */
  offer(made: { files: readonly ComfyFile[]; texts: readonly ComfyText[] }): void {
    const { entry, over } = this.#run;
    if (over.aborted || this.#reports >= MAX_EARLY_REPORTS) return;
    for (const source of sourcesIn({ files: made.files, texts: entry.redact(made.texts) })) {
      this.#waiting.set(source.key, source);
    }
    if (this.#isAtWork || this.#waiting.size === 0) return;
    this.#isAtWork = true;
    this.#work = this.#goOn();
  }

  /** Resolves when nothing writes into the attempt's folder any more; soon, once the run is over. */
  done(): Promise<void> {
    return this.#work;
  }

  /** Never rejects. */
  async #goOn(): Promise<void> {
    const { entry, over, isEnding } = this.#run;
    const { clock, timing, logger } = this.#deps;
    try {
      while (this.#waiting.size > 0) {
        await clock.sleep(timing.earlyAfterMs, over);
        if (over.aborted) return;
        // Before that the answer to the POST is on its way.
        if (entry.record.state === "running" && !isEnding()) await this.#collect();
      }
    } catch (error) {
      if (!over.aborted) logger.warn("outputs not reported before the end", { attempt: entry.id, error });
    } finally {
      this.#isAtWork = false;
    }
  }

  async #collect(): Promise<void> {
    const { entry, over } = this.#run;
    const sources = [...this.#waiting.values()];
    this.#waiting.clear();
    const early = new Map(entry.record.early.map((one) => [one.source, one.output]));
    let changed = false;
    for (const source of sources) {
      const before = early.get(source.key);
      if (before === undefined && early.size >= MAX_EARLY_OUTPUTS) continue;
      const output = await this.#take(source, before?.index ?? early.size);
      if (over.aborted) return;
      if (output === null || (output.sha256 === before?.sha256 && output.nodeId === before.nodeId)) continue;
      early.set(source.key, output);
      changed = true;
    }
    if (!changed) return;
    this.#reports += 1;
    entry.findEarly([...early].map(([source, output]) => ({ source, output })));
  }

  /** Null when it cannot be taken now: the end decides what that means. */
  async #take(source: OutputSource, index: number) {
    const { entry, over, folders } = this.#run;
    const { comfy, workspace, logger } = this.#deps;
    const attemptId = entry.id;
    try {
      return await takeSource(source, index, {
        attemptId,
        workspace,
        api: comfy.api,
        folders: folders(),
        inOneGo: false,
        signal: over,
      });
    } catch (error) {
      if (!over.aborted) logger.debug("output not taken before the end", { attempt: attemptId, error });
      return null;
    }
  }
}

/** What one attempt's loops share while it runs: the entry, ComfyUI, and why the run is to end. */
import { MAX_PREVIEW_CHARS } from "../../contracts/bounds.ts";
import type { JobError } from "../../contracts/job.ts";
import type { Clock } from "../comfy/clock.ts";
import type { EndCause } from "../comfy/end-cause.ts";
import type { Comfy, ComfyFolders, ComfyMessage, PromptLookup } from "../comfy/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { EarlyOutputs } from "./early-outputs.ts";
import type { AttemptEntry } from "./entry.ts";
import { type Fate, generationFate } from "./generation-fate.ts";
import type { InputStore } from "./input-store.ts";
import type { Ending } from "./outcome.ts";
import type { PartnerKeys } from "./partner-keys.ts";
import { ProgressTracker } from "./progress-tracker.ts";
import { Throttle } from "./throttle.ts";
import type { AttemptTiming } from "./timing.ts";
import { Wake } from "./wake.ts";
import type { Workspace } from "./workspace.ts";

const MAX_PREVIEW_BYTES = Math.floor(MAX_PREVIEW_CHARS / 4) * 3;

export interface RunDeps {
  comfy: Comfy;
  clock: Clock;
  timing: AttemptTiming;
  inputs: InputStore;
  workspace: Workspace;
  partnerKeys: PartnerKeys;
  logger: Logger;
  /** Classes that ComfyUI counts as outputs; null until its `/object_info` is known. */
  outputClasses: () => ReadonlySet<string> | null;
  /**
   * Ends this agent, and leaves ComfyUI running for the next: an attempt's transition could not be journaled, so that
   * going on might lose or repeat a run.
   */
  onFatal: (error: unknown) => void;
}

export class Run {
  readonly entry: AttemptEntry;
  readonly deps: RunDeps;
  /** Rings whenever a look at ComfyUI is worth while. */
  readonly wake: Wake;
  /** Aborted when the agent stops: the run is left as it is, for the next agent to go on with. */
  readonly stop: AbortSignal;
  /** Aborted when ComfyUI is done with it, or the agent stops: ends the loops beside the main one. */
  readonly over: AbortSignal;
  readonly early: EarlyOutputs;
  /** When ComfyUI last gave a sign of work on it, epoch ms. */
  lastSignMs: number;
  /** Set by the watchdog: how it ends, whatever ComfyUI says. */
  verdict: JobError | null = null;
  /** ComfyUI does not end it and is not ours to end: it is over for its job all the same. */
  isAbandoned = false;
  /** ComfyUI's answer to the POST is not known, and it does not say which outputs it kept. */
  isUnconfirmed = false;
  /** A socket message said that it is over; the lookup has to confirm it. */
  saidToBeOver = false;
  readonly #over = new AbortController();
  readonly #onStop = () => this.#over.abort(this.stop.reason);
  readonly #asked = new AbortController();
  readonly #progress: ProgressTracker;
  readonly #throttle: Throttle<null>;
  #lastNodeId: string | null = null;
  #timedOut = false;
  #seenAlive = false;

  constructor(entry: AttemptEntry, deps: RunDeps, stop: AbortSignal) {
    this.entry = entry;
    this.deps = deps;
    this.stop = stop;
    this.over = this.#over.signal;
    stop.addEventListener("abort", this.#onStop, { once: true });
    if (stop.aborted) this.#onStop();
    this.wake = new Wake(deps.clock);
    this.early = new EarlyOutputs(
      {
        entry,
        over: this.over,
        folders: () => this.folders(),
        isEnding: () => this.ending !== null || this.saidToBeOver,
      },
      deps,
    );
    this.lastSignMs = deps.clock.now();
    if (entry.record.cancelRequested || entry.record.refusal !== null) this.#asked.abort();
    this.#progress = new ProgressTracker(entry.record.order.workflow, {
      outputClasses: deps.outputClasses(),
      resumed: entry.record.progress,
    });
    this.#throttle = new Throttle({
      clock: deps.clock,
      intervalMs: deps.timing.progressEveryMs,
      emit: () => entry.publishProgress(),
    });
  }

  get promptId(): string {
    return this.entry.record.promptId;
  }

  get ending(): Ending {
    const { cancelRequested, refusal } = this.entry.record;
    if (refusal !== null) return { refusal };
    if (cancelRequested) return "cancel";
    return this.#timedOut ? "timeout" : null;
  }

  timeOut(): void {
    this.#timedOut = true;
    this.#asked.abort();
  }

  /** The entry has a cancel request. */
  cancel(): void {
    this.#asked.abort();
    this.wake.ring();
  }

  /** Gives up on ComfyUI ending it: see {@link Comfy.evict}. */
  abandon(cause: EndCause): void {
    const { comfy } = this.deps;
    comfy.evict(this.promptId, cause);
    this.isAbandoned = !comfy.ownsProcess;
    this.wake.ring();
  }

  /** Resolves once somebody wants the run ended, or `signal` aborts. */
  async asked(signal: AbortSignal): Promise<void> {
    const either = [this.#asked.signal, signal];
    if (either.some(({ aborted }) => aborted)) return;
    await new Promise((resolve) => {
      for (const one of either) one.addEventListener("abort", resolve, { once: true });
    });
  }

  end(): void {
    this.stop.removeEventListener("abort", this.#onStop);
    this.#over.abort("over");
    this.#throttle.end();
  }

  /** Where its ComfyUI has its files; null: not on our disk. */
  folders(): ComfyFolders | null {
    const { comfy } = this.deps;
    const { generationId } = this.entry.record;
    return generationId === null ? comfy.folders : comfy.foldersOf(generationId);
  }

  fate(): Fate {
    const { generationId } = this.entry.record;
    if (generationId === null) return "unsure";
    const fate = generationFate(generationId, this.deps.comfy.status, this.#seenAlive);
    if (fate === "alive") this.#seenAlive = true;
    return fate;
  }

  /** What ComfyUI knows of it; null when it could not be asked. */
  async lookup(): Promise<PromptLookup | null> {
    try {
      return await this.deps.comfy.api.lookup(this.promptId, this.stop);
    } catch (error) {
      this.deps.logger.debug("lookup failed", { attempt: this.entry.id, error });
      return null;
    }
  }

  /**
   * ComfyUI has it: progress counts from here.
   * @param refusal Why it has only a part of it, which is canceled until ComfyUI confirms that; journaled with it.
   */
  begin(refusal: JobError | null = null): void {
    this.lastSignMs = this.deps.clock.now();
    this.entry.setProgress(this.#progress.snapshot());
    this.entry.run(refusal);
    if (refusal !== null) this.#asked.abort();
  }

  /** Takes in one of ComfyUI's messages; never blocks and never throws for a message of another prompt. */
  onMessage(message: ComfyMessage): void {
    if (message.type === "preview") {
      // One that names no prompt is of the run that ComfyUI works on, which is one at a time.
      const isOurs = message.promptId === this.promptId ||
        (message.promptId === null && this.entry.record.state === "running");
      if (isOurs) this.#onPreview(message);
      return;
    }
    if (message.promptId !== this.promptId) return;
    if (!this.#isRepetition(message)) this.lastSignMs = this.deps.clock.now();
    if (message.type === "executed" && message.made) this.early.offer(message.made);
    if (message.type === "finished" || message.type === "failed" || message.type === "interrupted") {
      this.saidToBeOver = true;
      this.wake.ring();
    } else if (this.#progress.apply(message)) {
      this.entry.setProgress(this.#progress.snapshot());
      this.#throttle.offer(null);
    }
  }

  /** Progress 1, once the lookup has confirmed success. */
  completeProgress(): void {
    this.#progress.complete();
    this.entry.setProgress(this.#progress.snapshot());
  }

  /** ComfyUI tells every new socket which node runs: the one we know of is no sign of work, another one is. */
  #isRepetition(message: Exclude<ComfyMessage, { type: "preview" }>): boolean {
    if (message.type !== "executing") return false;
    const isSame = message.nodeId === this.#lastNodeId;
    this.#lastNodeId = message.nodeId;
    return isSame;
  }

  #onPreview(message: Extract<ComfyMessage, { type: "preview" }>): void {
    this.lastSignMs = this.deps.clock.now();
    const { nodeId, contentType, bytes } = message;
    if (bytes.length <= MAX_PREVIEW_BYTES) this.entry.publishPreview({ nodeId, contentType, bytes });
  }
}

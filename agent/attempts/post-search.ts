/**
 * Whether ComfyUI has a prompt whose POST got no answer. It may still be checking the graph and take it yet, so that only
 * an `unknown` that stays one proves that it has it not.
 */
import type { Run } from "./run.ts";
import { whatWasTaken } from "./taken-part.ts";

/** `begun`: it is there and the attempt runs. `absent`: it may be posted again. `open`: look again. */
export type Found = "begun" | "absent" | "open";

/** Looks that have to say `unknown`, all of them in a row. */
const MIN_LOOKS = 3;

export class PostSearch {
  readonly #run: Run;
  #looks = 0;
  #unknownSinceMs = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  async look(): Promise<Found> {
    const lookup = this.#run.fate() === "alive" ? await this.#run.lookup() : null;
    if (lookup?.status === "unknown") return this.#countUnknown();
    this.#looks = 0;
    return lookup !== null && await this.#begin() ? "begun" : "open";
  }

  #countUnknown(): Found {
    const { clock, timing } = this.#run.deps;
    const nowMs = clock.now();
    if (this.#looks === 0) this.#unknownSinceMs = nowMs;
    this.#looks += 1;
    return this.#looks >= MIN_LOOKS && nowMs - this.#unknownSinceMs >= timing.absentAfterMs ? "absent" : "open";
  }

  /** False when ComfyUI cannot be asked now for what it took, or the agent stops. */
  async #begin(): Promise<boolean> {
    const run = this.#run;
    const taken = await whatWasTaken(run);
    if (taken === null || run.stop.aborted) return false;
    run.isUnconfirmed = taken.isUnconfirmed;
    run.begin(taken.refusal);
    return true;
  }
}

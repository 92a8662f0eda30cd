/** A level-triggered doorbell: a ring before the wait ends the wait at once, so no hint is lost between two looks. */
import type { Clock } from "../comfy/clock.ts";

export class Wake {
  readonly #clock: Clock;
  #rung = false;
  #end: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#end?.();
  }

  /** Resolves after `ms`, at a ring, or when `signal` aborts. One waiter at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const ended = new AbortController();
      const end = () => ended.abort("rung");
      this.#end = end;
      signal.addEventListener("abort", end, { once: true });
      await this.#clock.sleep(ms, ended.signal);
      signal.removeEventListener("abort", end);
      this.#end = null;
    }
    this.#rung = false;
  }
}

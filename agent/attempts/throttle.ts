/** Lets at most one value through per interval: the first at once, then the newest of those that came meanwhile. */
import type { Clock } from "../comfy/clock.ts";

export class Throttle<T> {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #emit: (value: T) => void;
  readonly #ended = new AbortController();
  #lastMs = Number.NEGATIVE_INFINITY;
  #waiting: { value: T } | null = null;

  constructor(options: { clock: Clock; intervalMs: number; emit: (value: T) => void }) {
    this.#clock = options.clock;
    this.#intervalMs = options.intervalMs;
    this.#emit = options.emit;
  }

  offer(value: T): void {
    if (this.#ended.signal.aborted) return;
    if (this.#waiting) {
      this.#waiting.value = value;
      return;
    }
    const dueInMs = this.#lastMs + this.#intervalMs - this.#clock.now();
    if (dueInMs <= 0) return this.#send(value);
    this.#waiting = { value };
    void this.#clock.sleep(dueInMs, this.#ended.signal).then(() => this.#flush());
  }

  /** Drops what waits; for the end of the run, whose report carries the last value. */
  end(): void {
    this.#ended.abort("over");
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting && !this.#ended.signal.aborted) this.#send(waiting.value);
  }

  #send(value: T): void {
    this.#lastMs = this.#clock.now();
    this.#emit(value);
  }
}

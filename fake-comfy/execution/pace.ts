/** How long a progress step takes, so that a batch costs about the time it costs ComfyUI on a CPU. */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** What ColorTransfer takes for a frame of 512 x 512, in milliseconds. */
const MS_PER_FRAME = 7.5;
const REFERENCE_PIXELS = 512 * 512;

/** Keeps the steps of one node in time: late steps are made up for, so that the total is right. */
export class Pace {
  readonly #stepMs: number | null;
  readonly #now: () => number;
  #dueMs: number;

  /**
   * @param stepMs fixed time per step in milliseconds; null = by the picture's size
   * @param now a monotonic clock in milliseconds
   */
  constructor(stepMs: number | null, now: () => number) {
    this.#stepMs = stepMs;
    this.#now = now;
    this.#dueMs = now();
  }

  /** Ends a step that worked on this many pixels. Always lets the event loop turn. */
  async step(pixels: number): Promise<void> {
    this.#dueMs += this.#stepMs ?? MS_PER_FRAME * pixels / REFERENCE_PIXELS;
    const waitMs = this.#dueMs - this.#now();
    if (waitMs >= 1) await sleep(waitMs);
    else await nextTurn();
  }
}

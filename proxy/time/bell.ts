/** A wait that can be cut short: "in a beat's time, or now". A ring while nobody waits is kept for the next wait. */
import type { Clock } from "./clock.ts";

export interface Bell {
  ring(): void;
  /** Resolves when rung, after `ms`, or at once when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(clock: Clock): Bell {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung) {
        const woken = new AbortController();
        // A reason of our own: without one each ring would build a DOMException with its stack.
        const stop = () => woken.abort("rung");
        wake = stop;
        signal.addEventListener("abort", stop, { once: true });
        if (signal.aborted) stop();
        await clock.sleep(ms, woken.signal);
        signal.removeEventListener("abort", stop);
        wake = null;
      }
      rung = false;
    },
  };
}

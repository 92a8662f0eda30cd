/** A wait that can be cut short: "in a beat's time, or now". A ring while nobody waits is kept for the next wait. */
import type { Clock } from "./clock.ts";

export interface Bell {
  ring(): void;
  /** Resolves when rung, after `ms`, or at once when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(clock: Pick<Clock, "after">): Bell {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const woken = Promise.withResolvers<void>();
        const stop = () => woken.resolve();
        wake = stop;
        signal.addEventListener("abort", stop, { once: true });
        const callOff = clock.after(ms, stop);
        await woken.promise;
        callOff();
        signal.removeEventListener("abort", stop);
        wake = null;
      }
      rung = false;
    },
  };
}

/** Time and chance, handed to whoever needs them, so that tests can run a minute of silence in a millisecond. */

export interface Clock {
  /** Epoch ms, for times that people read. */
  nowMs(): number;
  /** Ms that never go back, for durations. */
  monotonicMs(): number;
  /** From 0 up to, not including, 1. */
  random(): number;
  /** Calls back once after `ms`, at the latest after 24.8 days. @returns what calls it off, any number of times */
  after(ms: number, then: () => void): () => void;
  /**
   * Resolves after `ms`, at the latest after 24.8 days, or at once when the signal is or becomes aborted: callers look at
   * the signal afterwards.
   */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Timers of a longer time end after 1 ms: whoever sleeps in a loop would never stop turning. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function systemClock(): Clock {
  function after(ms: number, then: () => void): () => void {
    const timer = setTimeout(then, Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  }
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    random: () => Math.random(),
    after,
    sleep(ms, signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = () => {
          callOff();
          signal.removeEventListener("abort", done);
          resolve();
        };
        const callOff = after(ms, done);
        signal.addEventListener("abort", done, { once: true });
      });
    },
  };
}

/** `ms` spread evenly over ±10 %, so that many pods do not beat in step. */
export function jittered(clock: Clock, ms: number): number {
  return ms * (0.9 + 0.2 * clock.random());
}

/** Doubles from `firstMs` up to `maxMs`, the upper half of it by chance. `failures` counts from 1. */
export function backoffMs(clock: Clock, failures: number, limits: { firstMs: number; maxMs: number }): number {
  const ceiling = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling * (0.5 + 0.5 * clock.random());
}

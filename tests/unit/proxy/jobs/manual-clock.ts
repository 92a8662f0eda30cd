// A clock that moves only when a test says so.
import type { Clock } from "../../../../proxy/time/clock.ts";

export interface ManualClock extends Clock {
  /** Ends every sleep that is due by then, in order, letting what they wake run in between. */
  advance(ms: number): Promise<void>;
  /** Moves the time alone: what sleeps is not woken before the next {@link ManualClock.advance}. */
  skip(ms: number): void;
  /** Sleeps that have not ended. */
  sleeping(): number;
}

/** Lets everything that is ready run: promises, and the stores of tests that answer through them. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function createManualClock(startMs = 1_000_000): ManualClock {
  let nowMs = startMs;
  let sleepers: { atMs: number; end: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const end = () => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          signal.removeEventListener("abort", end);
          resolve();
        };
        const sleeper = { atMs: nowMs + ms, end };
        sleepers.push(sleeper);
        signal.addEventListener("abort", end, { once: true });
      }),
    async advance(ms) {
      await settle();
      const untilMs = nowMs + ms;
      for (;;) {
        const [due] = sleepers.filter((one) => one.atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
        if (!due) break;
        nowMs = Math.max(nowMs, due.atMs);
        due.end();
        await settle();
      }
      nowMs = untilMs;
    },
    skip(ms) {
      nowMs += ms;
    },
    sleeping: () => sleepers.length,
  };
}

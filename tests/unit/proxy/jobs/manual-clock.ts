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
  let sleepers: { atMs: number; then: () => void }[] = [];

  function after(ms: number, then: () => void): () => void {
    const sleeper = { atMs: nowMs + ms, then };
    const callOff = () => {
      sleepers = sleepers.filter((one) => one !== sleeper);
    };
    sleepers.push(sleeper);
    return callOff;
  }

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    random: () => 0.5,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const end = () => {
          callOff();
          signal.removeEventListener("abort", end);
          resolve();
        };
        const callOff = after(ms, end);
        signal.addEventListener("abort", end, { once: true });
      }),
    async advance(ms) {
      await settle();
      const untilMs = nowMs + ms;
      for (;;) {
        const [due] = sleepers.filter((one) => one.atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
        if (!due) break;
        nowMs = Math.max(nowMs, due.atMs);
        sleepers = sleepers.filter((one) => one !== due);
        due.then();
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

/** A transfer may take as long as it moves: its signal aborts when no byte has passed for a while. */
import { FleetError } from "../../contracts/errors.ts";
import type { Clock } from "../time/clock.ts";

export interface Watchdog {
  /** Aborts with FleetError `timeout` at a stall, or with the caller's signal. */
  signal: AbortSignal;
  /** Passes bytes through and counts each as life. */
  tap(): TransformStream<Uint8Array, Uint8Array>;
  /** Always call it: it stops the clock. */
  end(): void;
}

export function createWatchdog(clock: Clock, options: { stallMs: number; signal: AbortSignal }): Watchdog {
  const { stallMs, signal } = options;
  const inner = new AbortController();
  const ended = new AbortController();
  let moved = false;
  const forward = () => inner.abort(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  if (signal.aborted) forward();

  async function watch(): Promise<void> {
    for (;;) {
      moved = false;
      await clock.sleep(stallMs, ended.signal);
      if (ended.signal.aborted) return;
      if (moved) continue;
      return inner.abort(new FleetError("timeout", `Cannot move bytes to or from the agent: none for ${stallMs} ms`));
    }
  }
  void watch();

  return {
    signal: inner.signal,
    tap: () =>
      new TransformStream({
        transform(chunk, controller) {
          moved = true;
          controller.enqueue(chunk);
        },
      }),
    end() {
      ended.abort();
      signal.removeEventListener("abort", forward);
    },
  };
}

/** Keeps one event stream of a pod open: every cut is told at once, and the stream is opened again with backoff. */
import type { PodEvent } from "../../contracts/agent/messages.ts";
import type { PodId } from "../../contracts/ids.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import type { Agents } from "./port.ts";

export interface WatchOptions {
  agents: Agents;
  clock: Clock;
  logger: Logger;
  reopenFirstMs: number;
  reopenMaxMs: number;
}

export interface WatchListener {
  event(event: PodEvent): void;
  /** A stream that had brought events ended; some may be missing until the next snapshot. */
  cut(): void;
}

/** Resolves when the signal aborts; never rejects. */
export async function keepWatching(
  options: WatchOptions,
  target: { podId: PodId; listener: WatchListener },
  signal: AbortSignal,
): Promise<void> {
  const { agents, clock, logger } = options;
  const { podId, listener } = target;
  let failures = 0;
  while (!signal.aborted) {
    let delivered = false;
    try {
      for await (const event of agents.watchPod(podId, signal)) {
        failures = 0;
        delivered = true;
        listener.event(event);
      }
    } catch (error) {
      if (!signal.aborted) logger.debug("pod stream cut", { pod: podId, error });
    }
    if (signal.aborted) return;
    if (delivered) listener.cut();
    failures += 1;
    await clock.sleep(
      backoffMs(clock, failures, { firstMs: options.reopenFirstMs, maxMs: options.reopenMaxMs }),
      signal,
    );
  }
}

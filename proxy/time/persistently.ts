/** Reads that outlive the store's troubles. */
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Clock } from "./clock.ts";

/** Repeats a read until it is answered: a watcher outlives the store's troubles. Null once the signal aborts. */
export async function persistently<T>(
  { clock, logger }: { clock: Clock; logger: Logger },
  read: () => Promise<T>,
  signal: AbortSignal,
): Promise<T | null> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await read();
    } catch (error) {
      logger.warn("watch cannot read", { error });
      await clock.sleep(backoffMs(clock, failures, { firstMs: 100, maxMs: 5_000 }), signal);
    }
  }
  return null;
}

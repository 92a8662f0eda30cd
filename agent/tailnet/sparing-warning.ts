/** Warnings that strangers can cause as often as they like: the first of a kind at once, then one in a while, with how many there were. */
import type { Clock } from "../comfy/clock.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Between two of the same message. */
const EVERY_MS = 10_000;

export type SparingWarning = (message: string, data: Record<string, unknown>) => void;

/** @returns a function to be called with few different messages; data of the ones between is not kept */
export function createSparingWarning(logger: Logger, clock: Pick<Clock, "now">): SparingWarning {
  const said = new Map<string, { atMs: number; unsaid: number }>();
  return (message, data) => {
    const atMs = clock.now();
    const last = said.get(message);
    // Either way, for a clock that is set back.
    if (last !== undefined && Math.abs(atMs - last.atMs) < EVERY_MS) {
      last.unsaid += 1;
      return;
    }
    said.set(message, { atMs, unsaid: 0 });
    logger.warn(message, last === undefined || last.unsaid === 0 ? data : { ...data, more: last.unsaid });
  };
}

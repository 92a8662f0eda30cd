/** The last orderly while of a pod that goes away: what runs may end, and the edge may fetch its outputs. */
import type { Clock } from "../comfy/clock.ts";
import type { AttemptService } from "./attempt-service.ts";

/** Whether everything has gone is looked at this often; a stop may take so much longer than it need. */
const LOOK_EVERY_MS = 25;

/**
 * Resolves when the edge has let go of every attempt, at the latest after `maxMs`. No order is taken from the call on, and
 * those that wait behind a run are given back.
 * @returns how many attempts are left
 */
export async function drain(
  attempts: Pick<AttemptService, "refuseOrders" | "reports">,
  { clock, maxMs }: { clock: Clock; maxMs: number },
): Promise<number> {
  attempts.refuseOrders();
  const untilMs = clock.now() + maxMs;
  while (attempts.reports().length > 0 && clock.now() < untilMs) await clock.sleep(LOOK_EVERY_MS);
  return attempts.reports().length;
}

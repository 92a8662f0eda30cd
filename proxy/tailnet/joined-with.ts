/** With which key a node joined, as the control server says: what tells an enrolled pod from a node that takes its name. */
import type { ControlApi, Device } from "../enrollment/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";

/**
 * The key's id at the control server; empty for a node that joined without one, null where nobody says. Rejects with
 * nothing but the signal's reason.
 */
export type JoinedWith = (stableId: string, signal: AbortSignal) => Promise<string | null>;

export interface JoinedWithOptions {
  /** Null: nobody can be asked. */
  control: Pick<ControlApi, "listDevices"> | null;
  clock: Clock;
  logger: Logger;
}

/** A pod that joins waits for this answer. */
const ANSWER_MS = 3_000;
/** After no answer nobody is asked for so long: pods that join in a row do not each wait for the same silence. */
const REST_MS = 30_000;

function keyIdOf({ joinedWith }: Device): string | null {
  if (joinedWith === "untold") return null;
  return joinedWith === "no-key" ? "" : joinedWith.keyId;
}

export function createJoinedWith({ control, clock, logger }: JoinedWithOptions): JoinedWith {
  /** By StableID, of the last list; a device never changes the key that it joined with. */
  let keyIds = new Map<string, string | null>();
  let silentUntilMs = -Infinity;
  return async (stableId, signal) => {
    const known = keyIds.get(stableId);
    if (known !== undefined) return known;
    if (control === null || clock.monotonicMs() < silentUntilMs) return null;
    try {
      const devices = await withDeadline(
        { clock, timeoutMs: ANSWER_MS, signal, action: "ask the control server who joined" },
        (inner) => control.listDevices(inner),
      );
      keyIds = new Map(devices.map((device) => [device.id, keyIdOf(device)]));
    } catch (error) {
      signal.throwIfAborted();
      silentUntilMs = clock.monotonicMs() + REST_MS;
      logger.warn("nobody says with which key a node joined", { stableId, error });
    }
    return keyIds.get(stableId) ?? null;
  };
}

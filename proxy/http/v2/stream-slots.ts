/** How many event streams a tenant may have open at once. */
import { FleetError } from "../../../contracts/errors.ts";
import type { TenantId } from "../../../contracts/ids.ts";

/** A place that is given back once, whoever gives it back first. */
export interface StreamSlot {
  free(): void;
}

export interface StreamSlots {
  /** @throws FleetError `too_many_streams` */
  take(tenantId: TenantId): StreamSlot;
}

const RETRY_AFTER_MS = 2_000;

export function createStreamSlots(maxStreams: number): StreamSlots {
  const open = new Map<TenantId, number>();
  return {
    take(tenantId) {
      const count = open.get(tenantId) ?? 0;
      if (count >= maxStreams) {
        throw new FleetError("too_many_streams", `Cannot open the stream: ${count} are open already`, {
          hint: "Close one, or ask for the job itself: GET is held until it is final.",
          retryAfterMs: RETRY_AFTER_MS,
        });
      }
      open.set(tenantId, count + 1);
      let isTaken = true;
      return {
        free() {
          if (!isTaken) return;
          isTaken = false;
          const left = (open.get(tenantId) ?? 1) - 1;
          if (left === 0) open.delete(tenantId);
          else open.set(tenantId, left);
        },
      };
    },
  };
}

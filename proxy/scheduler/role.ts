/** A role that one edge at a time plays: a short lease in the store, kept by a timer so that work never waits for it. */
import type { EdgeId } from "../../contracts/ids.ts";
import type { Clock } from "../time/clock.ts";
import type { RoleStore } from "../store/port.ts";

export interface Role {
  /** Whether this edge plays the role now; asks the store only when the lease is about to end. */
  hold(): Promise<boolean>;
  /** Whether the lease that was taken last still runs. */
  isHeld(): boolean;
  /** Since when the role has been played without a gap, in ms of the store's clock; null while it is not ours. */
  upSinceMs(): number | null;
}

export interface RoleOptions {
  store: Pick<RoleStore, "takeRole">;
  clock: Clock;
  edgeId: EdgeId;
  role: string;
  leaseMs: number;
}

export function createRole({ store, clock, edgeId, role, leaseMs }: RoleOptions): Role {
  /** Of the monotonic clock. */
  let leaseFromMs = -Infinity;
  let upSinceMs: number | null = null;
  const holdsFor = (ms: number) => upSinceMs !== null && clock.monotonicMs() < leaseFromMs + ms;
  return {
    isHeld: () => holdsFor(leaseMs),
    async hold() {
      if (holdsFor(leaseMs / 2)) return true;
      const askedMs = clock.monotonicMs();
      upSinceMs = null;
      const taken = await store.takeRole({ role, edgeId, leaseMs });
      if (taken) {
        upSinceMs = taken.upSinceMs;
        leaseFromMs = askedMs;
      }
      return upSinceMs !== null;
    },
    upSinceMs: () => upSinceMs,
  };
}

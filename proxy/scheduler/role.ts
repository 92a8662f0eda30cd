/** A role that one edge at a time plays: a short lease in the store, kept by a timer so that work never waits for it. */
import type { EdgeId } from "../../contracts/ids.ts";
import type { Clock } from "../time/clock.ts";
import type { RoleStore } from "../store/port.ts";

export interface Role {
  /** Whether this edge plays the role now; asks the store only when the lease is about to end. */
  hold(): Promise<boolean>;
  /** What {@link Role.hold} would say without asking. */
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
  let askAgainMs = 0;
  let upSinceMs: number | null = null;
  const isHeld = () => upSinceMs !== null && clock.monotonicMs() < askAgainMs;
  return {
    isHeld,
    async hold() {
      if (isHeld()) return true;
      const askedMs = clock.monotonicMs();
      upSinceMs = null;
      const taken = await store.takeRole({ role, edgeId, leaseMs });
      if (taken) {
        upSinceMs = taken.upSinceMs;
        askAgainMs = askedMs + leaseMs / 2;
      }
      return upSinceMs !== null;
    },
    upSinceMs: () => upSinceMs,
  };
}

/** What the store says of the pods whose attempts end now: asked once a second at most, since only beats write it. */
import type { PodId } from "../../contracts/ids.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";
import type { Clock } from "../time/clock.ts";

/** A fifth of the time between two beats. */
const RECENT_MS = 1_000;
/** Rows kept; each holds a pod's description, some kB. */
const MAX_PODS = 1_000;

export interface RecentPods {
  /** Null for a pod that the store does not know, which is asked anew. */
  get(podId: PodId): Promise<PodRow | null>;
}

export function createRecentPods(
  { store, clock }: { store: Pick<PodStore, "getPod">; clock: Pick<Clock, "monotonicMs"> },
): RecentPods {
  const pods = new Map<PodId, { row: PodRow; readMs: number }>();
  return {
    async get(podId) {
      const readMs = clock.monotonicMs();
      const known = pods.get(podId);
      if (known !== undefined && readMs - known.readMs < RECENT_MS) return known.row;
      const row = await store.getPod(podId);
      pods.delete(podId);
      if (row === null) return null;
      pods.set(podId, { row, readMs });
      const [oldest] = pods.keys();
      if (pods.size > MAX_PODS && oldest !== undefined) pods.delete(oldest);
      return row;
    },
  };
}

/** `pods.*`: the stored rows as callers see them, and an operator's word about which pods get work. */
import type { PodsPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Cordon, Pod, PodPhase } from "../../contracts/pod.ts";
import type { Signals } from "../signals.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";

function cordonOf({ cordonedAtMs, cordonReason, draining, liveAttempts }: PodRow): Cordon | null {
  if (cordonedAtMs === null) return null;
  return { since: toTimestamp(cordonedAtMs), reason: cordonReason, drain: draining, attempts: liveAttempts };
}

/** The session's own phase, but `draining` while a pod that is to become empty is not. */
function phaseOf({ phase, draining, liveAttempts }: PodRow): PodPhase {
  const alive = phase !== "gone" && phase !== "lost";
  return alive && draining && liveAttempts > 0 ? "draining" : phase;
}

export function toPod(row: PodRow): Pod {
  const { id, name, bootId, slotsTotal, slotsBusy, capability, conditions, dev } = row;
  return {
    id,
    name,
    phase: phaseOf(row),
    bootId,
    slotsTotal,
    slotsBusy,
    capability,
    conditions,
    cordon: cordonOf(row),
    dev,
    createdAt: toTimestamp(row.createdAtMs),
    lastSeenAt: row.lastSeenAtMs === null ? null : toTimestamp(row.lastSeenAtMs),
  };
}

/** @throws FleetError `not_found` */
function existing(row: PodRow | null): Pod {
  if (row) return toPod(row);
  throw new FleetError("not_found", "Cannot find the pod: no pod has this id", {
    hint: "List the pods to see their ids.",
  });
}

export interface PodsServiceOptions {
  store: Pick<PodStore, "listPods" | "getPod" | "setCordon">;
  signals: Pick<Signals, "emit">;
}

export function createPodsService(
  { store, signals }: PodsServiceOptions,
): Omit<PodsPort, "watch" | "enroll" | "remove"> {
  async function setCordon(input: Parameters<PodStore["setCordon"]>[0]): Promise<Pod> {
    const pod = existing(await store.setCordon(input));
    // The planner looks again: at whom it may use, and at the words for those who wait.
    signals.emit("pods", undefined);
    return pod;
  }

  return {
    async list(page) {
      const { items, nextCursor } = await store.listPods(page);
      return { items: items.map(toPod), nextCursor };
    },
    get: async (podId) => existing(await store.getPod(podId)),
    cordon: ({ podId, reason }) => setCordon({ podId, cordon: "cordon", reason }),
    uncordon: (podId) => setCordon({ podId, cordon: "none", reason: "" }),
    drain: ({ podId, reason }) => setCordon({ podId, cordon: "drain", reason }),
  };
}

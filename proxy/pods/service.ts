/** `pods.list` and `pods.get`: the stored rows as callers see them. */
import type { PodsPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Pod } from "../../contracts/pod.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";

function toPod(row: PodRow): Pod {
  const { id, name, phase, bootId, slotsTotal, slotsBusy, capability, conditions } = row;
  return {
    id,
    name,
    phase,
    bootId,
    slotsTotal,
    slotsBusy,
    capability,
    conditions,
    createdAt: toTimestamp(row.createdAtMs),
    lastSeenAt: row.lastSeenAtMs === null ? null : toTimestamp(row.lastSeenAtMs),
  };
}

export function createPodsService(store: Pick<PodStore, "listPods" | "getPod">): PodsPort {
  return {
    async list(page) {
      const { items, nextCursor } = await store.listPods(page);
      return { items: items.map(toPod), nextCursor };
    },
    async get(podId) {
      const row = await store.getPod(podId);
      if (!row) {
        throw new FleetError("not_found", "Cannot find the pod: no pod has this id", {
          hint: "List the pods to see their ids.",
        });
      }
      return toPod(row);
    },
  };
}

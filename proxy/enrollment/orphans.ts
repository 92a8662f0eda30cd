/** Devices with a pod's tag that are no pod of this fleet: left by one that was removed, or joined by somebody else. Pure. */
import { hasPodTag } from "../../contracts/tailnet/words.ts";
import { isAwaited } from "../store/enrolment-store.ts";
import type { PodRow } from "../store/pod-store.ts";
import type { Device } from "./port.ts";

/** A device that has just joined becomes a pod when the edge sees it. */
const NEW_MS = 120_000;

/** @param pods all that are not `gone` */
export function findOrphans(
  devices: readonly Device[],
  pods: readonly Pick<PodRow, "transportKey" | "name">[],
  nowMs: number,
): Device[] {
  const known = new Set(pods.map(({ transportKey }) => transportKey));
  const awaited = new Set(pods.filter(isAwaited).map(({ name }) => name));
  return devices.filter((device) =>
    hasPodTag(device) && !known.has(device.id) && !awaited.has(device.hostname) &&
    nowMs - device.createdAtMs >= NEW_MS
  );
}

/**
 * Whether it has been away for so long that nobody misses it. One that is online is left alone: it may be another fleet's
 * on the same tailnet; and so is one of which nobody says whether it is, nor when it was.
 */
export function isForgotten({ online, lastSeenAtMs, createdAtMs }: Device, nowMs: number, graceMs: number): boolean {
  if (online === true || (online === null && lastSeenAtMs === null)) return false;
  return nowMs - Math.max(lastSeenAtMs ?? 0, createdAtMs) >= graceMs;
}

/** Devices with a pod's tag that are no pod of this fleet: left by one that was removed, or joined by somebody else. */
import { hasPodTag } from "../../contracts/tailnet/words.ts";
import { type EnrolmentRow, type EnrolmentStore, isAwaited } from "../store/enrolment-store.ts";
import type { PodRow } from "../store/pod-store.ts";
import type { Device } from "./port.ts";

/** A device that has just joined becomes a pod when the edge sees it; a grace that is shorter counts for this too. */
const NEW_MS = 120_000;
/** A pod that used its key at the last moment needs some time until an edge sees it; and clocks differ. */
export const JOIN_GRACE_MS = 120_000;

interface Times {
  nowMs: number;
  /** How long a device may be away. */
  graceMs: number;
}

/** @param pods all that are not `gone` */
export function findOrphans(
  devices: readonly Device[],
  pods: readonly Pick<PodRow, "transportKey" | "name">[],
  { nowMs, graceMs }: Times,
): Device[] {
  const newMs = Math.min(NEW_MS, graceMs);
  const known = new Set(pods.map(({ transportKey }) => transportKey));
  const awaited = new Set(pods.filter(isAwaited).map(({ name }) => name));
  return devices.filter((device) =>
    hasPodTag(device) && !known.has(device.id) && !awaited.has(device.hostname) &&
    nowMs - device.createdAtMs >= newMs
  );
}

/**
 * Whether it has been away for so long that nobody misses it. One that is online is left alone: it may be another fleet's
 * on the same tailnet; and so is one of which nobody says whether it is, nor when it was.
 */
export function isForgotten({ online, lastSeenAtMs, createdAtMs }: Device, { nowMs, graceMs }: Times): boolean {
  if (online === true || (online === null && lastSeenAtMs === null)) return false;
  return nowMs - Math.max(lastSeenAtMs ?? 0, createdAtMs) >= graceMs;
}

/**
 * Whether the device can be one that was enrolled: by the key, or, where nobody says which that was, by the name; and by
 * its age. Headscale counts its keys from 1, so that another headscale's device may have the number of a key of ours.
 */
export function isEnrolledAs({ joinedWith, hostname, createdAtMs }: Device, enrolled: EnrolmentRow): boolean {
  if (joinedWith === "no-key") return false;
  const isIt = joinedWith === "untold" ? hostname === enrolled.name : joinedWith.keyId === enrolled.keyId;
  return isIt && createdAtMs >= enrolled.createdAtMs - JOIN_GRACE_MS &&
    createdAtMs <= enrolled.endsAtMs + JOIN_GRACE_MS;
}

/** Whether it joined as a pod that was enrolled here. Another fleet's is none of ours to delete. */
export async function isOwn(store: Pick<EnrolmentStore, "findEnrolments">, device: Device): Promise<boolean> {
  const { joinedWith, hostname } = device;
  if (joinedWith === "no-key") return false;
  const enrolments = await store.findEnrolments(joinedWith === "untold" ? { name: hostname } : joinedWith);
  return enrolments.some((enrolled) => isEnrolledAs(device, enrolled));
}

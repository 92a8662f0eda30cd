/**
 * The end of what nobody came for: pods that were enrolled and did not join, and devices that are no pods. One edge at a
 * time does it; nothing that goes wrong here ends the loop.
 */
import type { EdgeId } from "../../contracts/ids.ts";
import { createRole } from "../scheduler/role.ts";
import type { Signals } from "../signals.ts";
import type { EnrolmentStore } from "../store/enrolment-store.ts";
import type { PodStore } from "../store/pod-store.ts";
import type { RoleStore } from "../store/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type Clock, jittered } from "../time/clock.ts";
import { findOrphans, isForgotten, isOwn, JOIN_GRACE_MS } from "./orphans.ts";
import type { ControlApi, Device } from "./port.ts";

export interface SweepOptions {
  store:
    & Pick<PodStore, "listActivePods">
    & Pick<EnrolmentStore, "expireEnrolments" | "findEnrolments">
    & Pick<RoleStore, "takeRole">;
  /** Null: only what the store knows is looked at. */
  control: ControlApi | null;
  orphanGraceMs: number;
  signals: Pick<Signals, "emit">;
  clock: Clock;
  logger: Logger;
  edgeId: EdgeId;
}

/** Or as often as the grace, where that is shorter. */
const EVERY_MS = 60_000;
const LEASE_MS = 180_000;
/** Devices that one look deletes: a mistake of ours is not to empty a tailnet at once. */
const MAX_DELETED = 50;

async function deleteOrphans(options: SweepOptions, control: ControlApi, signal: AbortSignal): Promise<void> {
  const { store, clock, logger, orphanGraceMs } = options;
  // Devices first: whatever became a pod since is known then.
  const devices = await control.listDevices(signal);
  const nowMs = clock.nowMs();
  const times = { nowMs, graceMs: orphanGraceMs };
  const orphans = findOrphans(devices, await store.listActivePods(), times);
  const ours: Device[] = [];
  for (const device of orphans.filter((one) => isForgotten(one, times))) {
    if (ours.length < MAX_DELETED && await isOwn(store, device)) ours.push(device);
  }
  for (const { id, hostname } of ours) {
    await control.deleteDevice(id, signal);
    logger.info("orphaned device deleted", { device: id, name: hostname });
  }
}

/** One look. @throws what the store or the control server throws */
export async function sweepEnrolments(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { store, control, signals, logger } = options;
  const expired = await store.expireEnrolments(JOIN_GRACE_MS);
  for (const { id, name } of expired) logger.info("enrolment expired", { pod: id, name });
  if (expired.length > 0) signals.emit("pods", undefined);
  if (control !== null) await deleteOrphans(options, control, signal);
}

/** Resolves when the signal aborts; never rejects. */
export async function keepSweepingEnrolments(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, logger, edgeId } = options;
  const everyMs = Math.min(EVERY_MS, options.orphanGraceMs);
  const role = createRole({ store, clock, edgeId, role: "enrolments", leaseMs: LEASE_MS });
  for (;;) {
    await clock.sleep(jittered(clock, everyMs), signal);
    if (signal.aborted) return;
    try {
      if (await role.hold()) await sweepEnrolments(options, signal);
    } catch (error) {
      if (!signal.aborted) logger.warn("enrolments not swept", { error });
    }
  }
}

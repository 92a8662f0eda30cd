/** `pods.remove`: the key that nobody used, the device, the row and its attempts, in this order. */
import { FleetError } from "../../contracts/errors.ts";
import type { RemovedPod, RemovePod } from "../../contracts/edge/enrolment.ts";
import type { PodId } from "../../contracts/ids.ts";
import { hasPodTag } from "../../contracts/tailnet/words.ts";
import type { Signals } from "../signals.ts";
import { type EnrolmentRow, type EnrolmentStore, isAwaited } from "../store/enrolment-store.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { isEnrolledAs } from "./orphans.ts";
import type { ControlApi } from "./port.ts";

export interface RemoveOptions {
  store: Pick<PodStore, "getPod" | "listActivePods" | "setCordon"> & Pick<EnrolmentStore, "getEnrolment" | "removePod">;
  /** @throws FleetError `conflict` where there is none */
  requireControl(): ControlApi;
  /** Whether the pod stands in this edge's `EDGE_PODS`. */
  isStatic(podId: PodId): boolean;
  /** Ends this edge's session of the pod, and queues the jobs of its attempts again. */
  forget(podId: PodId): Promise<void>;
  signals: Pick<Signals, "emit">;
  logger: Logger;
}

async function existing({ store }: RemoveOptions, podId: PodId): Promise<PodRow> {
  const row = await store.getPod(podId);
  if (row !== null && row.phase !== "gone") return row;
  throw new FleetError("not_found", "Cannot remove the pod: no pod has this id", {
    hint: "List the pods to see their ids.",
  });
}

function refuseAtWork({ name, liveAttempts }: PodRow): void {
  if (liveAttempts === 0) return;
  throw new FleetError("conflict", `Cannot remove ${name}: it has ${liveAttempts} attempts`, {
    hint: "Drain the pod first, or remove it with running = 'lose': their jobs are queued again.",
    details: { attempts: liveAttempts },
  });
}

/** Whether the control server may have something of it. */
function isOfTailnet(row: PodRow): boolean {
  return row.via === "tailnet" || isAwaited(row);
}

/** Devices that joined as an awaited pod a moment ago, before any edge saw them. Another pod's device is none of them. */
async function joinedMeanwhile(
  { store }: Pick<RemoveOptions, "store">,
  { control, row, enrolled }: { control: ControlApi; row: PodRow; enrolled: EnrolmentRow },
  signal: AbortSignal,
): Promise<string[]> {
  const devices = (await control.listDevices(signal)).filter(hasPodTag);
  // Pods after devices: whatever became one since is known then.
  const others = (await store.listActivePods()).filter(({ id }) => id !== row.id);
  const taken = new Set(others.map(({ transportKey }) => transportKey));
  return devices.filter((device) => isEnrolledAs(device, enrolled) && !taken.has(device.id)).map(({ id }) => id);
}

const NOTHING = { device: "none", key: "none" } as const;

/** What the control server has of it: its device, or the key that nobody used. */
async function takeOff(
  options: RemoveOptions,
  row: PodRow,
  signal: AbortSignal,
): Promise<Pick<RemovedPod, "device" | "key">> {
  const control = options.requireControl();
  let ids = [row.transportKey];
  let key: RemovedPod["key"] = "none";
  if (isAwaited(row)) {
    const enrolled = await options.store.getEnrolment(row.id);
    if (enrolled !== null) await control.revokeKey(enrolled.keyId, signal);
    key = enrolled === null ? "none" : "revoked";
    ids = enrolled === null ? [] : await joinedMeanwhile(options, { control, row, enrolled }, signal);
  }
  let device: RemovedPod["device"] = "none";
  for (const id of ids) if (await control.deleteDevice(id, signal)) device = "deleted";
  return { device, key };
}

/**
 * Keeps work away while the control server is asked, which takes its time. Answers how it is undone: not where the pod was
 * cordoned already.
 */
async function close({ store }: Pick<RemoveOptions, "store">, row: PodRow): Promise<() => Promise<void>> {
  if (row.cordonedAtMs !== null) return () => Promise.resolve();
  await store.setCordon({ podId: row.id, cordon: "cordon", reason: "is being removed" });
  return async () => void await store.setCordon({ podId: row.id, cordon: "none", reason: "" });
}

/** @throws FleetError `not_found`, `conflict`, `tailnet_unavailable`; the pod is as it was then */
export async function removePod(
  options: RemoveOptions,
  { podId, running }: RemovePod,
  signal: AbortSignal,
): Promise<RemovedPod> {
  const { store, signals, logger } = options;
  const row = await existing(options, podId);
  const { name } = row;
  if (options.isStatic(podId)) {
    throw new FleetError("conflict", `Cannot remove ${name}: it stands in EDGE_PODS`, {
      hint: "Take it out of EDGE_PODS and start the edge again, then remove it.",
    });
  }
  const reopen = await close(options, row);
  try {
    // As it is now that no job comes to it any more.
    const closed = await existing(options, podId);
    if (running === "refuse") refuseAtWork(closed);
    const { device, key } = isOfTailnet(row) ? await takeOff(options, row, signal) : NOTHING;
    await store.removePod(podId);
    await options.forget(podId);
    signals.emit("pods", undefined);
    logger.info("pod removed", { pod: podId, name, device, key, attempts: closed.liveAttempts });
    return { podId, name, device, key, attempts: closed.liveAttempts };
  } catch (error) {
    await reopen().catch((failure: unknown) => logger.error("pod still cordoned", { pod: podId, error: failure }));
    throw error;
  }
}

/** `pods.enroll`: a key and an awaited row for each pod, all of them or none. */
import { typeid } from "typeid-js";
import { DEV_POD_TAG, POD_TAG } from "../../contracts/tailnet/words.ts";
import { type EnrollPods, type Enrolment, podHostname } from "../../contracts/edge/enrolment.ts";
import { PodId, toTimestamp } from "../../contracts/ids.ts";
import { AWAITED } from "../../contracts/pod-health.ts";
import type { Condition } from "../../contracts/pod.ts";
import type { Signals } from "../signals.ts";
import type { EnrolmentStore } from "../store/enrolment-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { ControlApi, MintedKey } from "./port.ts";

export interface EnrollOptions {
  store: Pick<EnrolmentStore, "enrollPods">;
  control: ControlApi;
  signals: Pick<Signals, "emit">;
  clock: Clock;
  logger: Logger;
}

interface Prepared extends MintedKey {
  podId: PodId;
  name: string;
}

/** Keys that are asked for at a time: control servers limit how often. */
const AT_A_TIME = 4;
/** For taking back what was minted, whether the caller is still there or not. */
const REVOKE_MS = 20_000;

function awaited(untilMs: number, nowMs: number): Condition {
  return {
    ...{ type: "Reachable", status: "unknown", reason: AWAITED },
    message: `Nobody has joined as this pod yet; its key works until ${toTimestamp(untilMs)}.`,
    since: toTimestamp(nowMs),
  };
}

async function revoke({ control, logger }: EnrollOptions, keys: readonly MintedKey[]): Promise<void> {
  const signal = AbortSignal.timeout(REVOKE_MS);
  for (const { id } of keys) {
    await control.revokeKey(id, signal).catch((error: unknown) => {
      logger.warn("key not revoked; it ends by itself, and nobody has it", { key_id: id, error });
    });
  }
}

/**
 * @throws FleetError `tailnet_unavailable`; the signal's reason. Nothing is enrolled then: keys that were minted are
 * revoked.
 */
export async function enrollPods(
  options: EnrollOptions,
  { count, ttlMs, dev }: EnrollPods,
  signal: AbortSignal,
): Promise<Enrolment> {
  const { store, control, signals, logger } = options;
  const tag = dev ? DEV_POD_TAG : POD_TAG;
  const prepared: Prepared[] = [];

  async function prepare(): Promise<void> {
    const podId = PodId.parse(typeid("pod").toString());
    const name = podHostname(podId);
    const minted = await control.mintKey({ tag, ttlMs, description: `comfyfleet ${name}` }, signal);
    prepared.push({ ...minted, podId, name });
  }

  try {
    for (let left = count; left > 0; left -= AT_A_TIME) {
      const minting = Array.from({ length: Math.min(left, AT_A_TIME) }, prepare);
      // All of them, so that none is minted after the others were taken back.
      const failed = (await Promise.allSettled(minting)).find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
    }
    signal.throwIfAborted();
    await store.enrollPods(prepared.map(({ podId, name, id, expiresAtMs }) => ({
      ...{ id: podId, name, keyId: id },
      endsAtMs: expiresAtMs,
      dev,
      conditions: [awaited(expiresAtMs, options.clock.nowMs())],
    })));
  } catch (error) {
    await revoke(options, prepared);
    throw error;
  }
  for (const { podId, expiresAtMs } of prepared) {
    logger.info("pod enrolled", { pod: podId, dev, expires: toTimestamp(expiresAtMs) });
  }
  signals.emit("pods", undefined);
  return {
    pods: prepared.map(({ podId, name, key, expiresAtMs }) => ({
      podId,
      name,
      key,
      expiresAt: toTimestamp(expiresAtMs),
    })),
    controlUrl: control.loginUrl,
    tag,
  };
}

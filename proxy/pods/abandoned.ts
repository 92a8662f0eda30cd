/**
 * Pods without a session: taken out of the list, or held by an edge that died and to which no other has a way. Nobody
 * would ever notice that their attempts are gone, so after the same silence as everywhere they are given up here; and so
 * are those of pods that are `gone` already, when the edge that saw it was killed before it had ended them.
 */
import type { PodId } from "../../contracts/ids.ts";
import { isAwaited } from "../store/enrolment-store.ts";
import type { PodRow } from "../store/pod-store.ts";
import { setCondition } from "./conditions.ts";
import { loseAll } from "./removed.ts";
import type { SessionDeps } from "./session-port.ts";

/** Whether nobody has held the pod for so long, by the store's clock, that it is to be given up. Pure. */
export function isAbandoned(pod: PodRow, nowMs: number, lostMs: number): boolean {
  // One that is awaited has an end of its own.
  return pod.phase !== "gone" && !isAwaited(pod) && pod.leaseUntilMs + lostMs <= nowMs;
}

async function giveUp(deps: SessionDeps, pod: PodRow): Promise<void> {
  const { store, settlement, clock, edgeId } = deps;
  // A pod marked before may have had an attempt since, when its session lived on for a moment: look every time.
  const live = await store.listLiveAttempts(pod.id);
  if (pod.phase === "lost" && live.length === 0) return;
  const taken = await store.takePod({ podId: pod.id, edgeId, leaseMs: 1 });
  if (!taken) return;
  const conditions = setCondition(pod.conditions, {
    type: "Reachable",
    status: "unknown",
    reason: "NoSession",
    message: "No edge has a way to this pod any more. Put it back into EDGE_PODS, or remove it.",
  }, clock.nowMs());
  await store.recordSilence({ podId: pod.id, epoch: taken.epoch, leaseMs: 1, phase: "lost", conditions });
  await Promise.all(live.map(({ id, jobId, no }) => settlement.lost({ id, jobId, no, podId: pod.id }, "pod_lost")));
  deps.logger.warn("pod given up", { pod: pod.id, name: pod.name, attempts: live.length });
}

/**
 * Looks once per silence. The first look comes after a whole one: while this edge was away, the others may have been
 * too. Resolves when the signal aborts; never rejects.
 */
export async function keepReaping(
  deps: SessionDeps,
  own: Pick<ReadonlySet<PodId>, "has">,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, timings } = deps;
  for (;;) {
    await clock.sleep(timings.lostMs + clock.random() * timings.beatMs, signal);
    if (signal.aborted) return;
    try {
      const nowMs = await store.now();
      const pods = (await store.listActivePods()).filter((pod) => !own.has(pod.id));
      for (const pod of pods) if (isAbandoned(pod, nowMs, timings.lostMs)) await giveUp(deps, pod);
      for (const podId of await store.listGoneAtWork()) await loseAll(deps, podId);
    } catch (error) {
      deps.logger.error("look for abandoned pods failed", { error });
    }
  }
}

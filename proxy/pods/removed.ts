/**
 * Pods of which somebody has said that they are no more, such as a node that left the tailnet. There is no silence to
 * wait for: the pod is `gone` at once, and its attempts with it.
 */
import type { PodId } from "../../contracts/ids.ts";
import type { PodRow } from "../store/pod-store.ts";
import { setCondition } from "./conditions.ts";
import type { SessionDeps } from "./session-port.ts";

const REASON = "pod_removed";
/** Between two looks at offers whose outcome is not known yet. */
const OFFER_PAUSE_MS = 250;

/** What the pod still has, but for offers under way. @throws what the store throws */
export async function loseAll({ store, settlement, offers }: SessionDeps, podId: PodId): Promise<void> {
  const live = await store.listLiveAttempts(podId);
  const underWay = offers.underWay(podId);
  const lost = live.filter(({ id }) => !underWay.has(id));
  await Promise.all(lost.map(({ id, jobId, no }) => settlement.lost({ id, jobId, no, podId }, REASON)));
}

/** Offers end by themselves, because nothing answers there: what they leave behind is lost too. */
async function loseOffers(deps: SessionDeps, podId: PodId, signal: AbortSignal): Promise<void> {
  const { offers, clock, logger } = deps;
  while (offers.underWay(podId).size > 0) {
    await clock.sleep(OFFER_PAUSE_MS, signal);
    if (signal.aborted) return;
  }
  await loseAll(deps, podId).catch((error: unknown) => logger.error("losing attempts failed", { pod: podId, error }));
}

/**
 * Repeating it changes nothing. False: another edge holds the session, and has to see for itself.
 * @throws what the store throws
 */
export async function markGone(deps: SessionDeps, podId: PodId, signal: AbortSignal): Promise<boolean> {
  const { store, signals, logger } = deps;
  const row = await store.getPod(podId);
  if (row === null) return true;
  if (row.phase !== "gone" && !await becomeGone(deps, row)) return false;
  await loseAll(deps, podId);
  void loseOffers(deps, podId, signal);
  signals.emit("pods", undefined);
  logger.info("pod gone", { pod: podId, name: row.name });
  return true;
}

/** From its commit on no job is assigned to the pod. */
async function becomeGone({ store, clock, edgeId }: SessionDeps, row: PodRow): Promise<boolean> {
  const { id: podId } = row;
  const taken = await store.takePod({ podId, edgeId, leaseMs: 1 });
  if (!taken) return false;
  const conditions = setCondition(row.conditions, {
    type: "Reachable",
    status: "false",
    reason: "Removed",
    message: "The pod has left the tailnet, or this edge may not see it there any more.",
  }, clock.nowMs());
  return await store.recordSilence({ podId, epoch: taken.epoch, leaseMs: 1, phase: "gone", conditions });
}

/** The end of all that a pod has under way. */
import type { PodId } from "../../contracts/ids.ts";
import type { SessionDeps } from "./session-port.ts";

/** Its jobs are queued again, each once, whoever says so too. */
export async function loseAttempts(
  { store, settlement }: {
    store: Pick<SessionDeps["store"], "listLiveAttempts">;
    settlement: SessionDeps["settlement"];
  },
  podId: PodId,
): Promise<void> {
  const live = await store.listLiveAttempts(podId);
  await Promise.all(live.map(({ id, jobId, no }) => settlement.lost({ id, jobId, no, podId }, "pod_lost")));
}

/** Removes jobs, assets and keys that are kept no longer, a few at a time, so that nobody waits for it. */
import type { AssetStore } from "../store/asset-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";

export interface RemoveOldDeps {
  store: Pick<AssetStore, "removeExpired">;
  clock: Pick<Clock, "sleep">;
  logger: Logger;
}

/** Of each kind in one transaction: a few milliseconds. */
const BATCH = 20;
/** In one round, which then ends although there is more: the rest of the reaper's work is due. */
const MAX_BATCHES = 20;
/** For everybody else, between two batches. */
const PAUSE_MS = 20;

/** One round. @throws what the store throws */
export async function removeOld({ store, clock, logger }: RemoveOldDeps, signal: AbortSignal): Promise<void> {
  const total = { jobs: 0, assets: 0, uploadKeys: 0 };
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const { jobs, assets, uploadKeys } = await store.removeExpired(BATCH);
    total.jobs += jobs;
    total.assets += assets;
    total.uploadKeys += uploadKeys;
    if (Math.max(jobs, assets, uploadKeys) < BATCH) break;
    await clock.sleep(PAUSE_MS, signal);
  }
  if (total.jobs + total.assets + total.uploadKeys > 0) logger.info("old jobs and assets removed", total);
}

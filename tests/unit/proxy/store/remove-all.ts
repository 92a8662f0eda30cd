// Rounds of the reaper's removal, small ones, until nothing is left to remove.
import type { Removed } from "../../../../proxy/store/asset-store.ts";
import type { Store } from "../../../../proxy/store/port.ts";

export async function removeAll(store: Store): Promise<Removed> {
  const removed = { jobs: 0, assets: 0, uploadKeys: 0 };
  while (true) {
    const { jobs, assets, uploadKeys } = await store.removeExpired(2);
    removed.jobs += jobs;
    removed.assets += assets;
    removed.uploadKeys += uploadKeys;
    if (jobs + assets + uploadKeys === 0) return removed;
  }
}

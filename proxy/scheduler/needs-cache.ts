/** What placement keys stand for, remembered: a key is a hash of its needs, so the answer never changes. */
import type { JobStore, Needs } from "../store/job-store.ts";

export interface NeedsCache {
  /** Keys that the store does not know are left out. */
  get(placementKeys: ReadonlySet<string>): Promise<Map<string, Needs>>;
}

/** @param capacity keys kept; when it is reached, all are forgotten and read anew */
export function createNeedsCache(store: Pick<JobStore, "getNeeds">, capacity = 10_000): NeedsCache {
  const entries = new Map<string, Needs>();
  return {
    async get(placementKeys) {
      const unknown = [...placementKeys].filter((key) => !entries.has(key));
      const read = unknown.length > 0 ? await store.getNeeds(unknown) : new Map<string, Needs>();
      const found = new Map<string, Needs>();
      for (const key of placementKeys) {
        const needs = entries.get(key) ?? read.get(key);
        if (needs) found.set(key, needs);
      }
      if (entries.size + read.size > capacity) entries.clear();
      for (const [key, needs] of read) entries.set(key, needs);
      return found;
    },
  };
}

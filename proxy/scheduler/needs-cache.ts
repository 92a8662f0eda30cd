/** What placement keys stand for, remembered: a key is a hash of its needs, so the answer never changes. */
import type { JobStore } from "../store/job-store.ts";
import type { Needs } from "../store/new-job.ts";

export interface NeedsCache {
  /** Keys that the store does not know are left out. */
  get(placementKeys: ReadonlySet<string>): Promise<Map<string, Needs>>;
}

interface CacheBounds {
  /** Keys kept. @default 10_000 */
  maxKeys?: number;
  /** Their needs together, in characters of JSON: a graph's needs may be megabytes. @default 32 Mi */
  maxChars?: number;
}

/** When a bound is passed, what was read first is forgotten, and read anew if asked for. */
export function createNeedsCache(store: Pick<JobStore, "getNeeds">, bounds: CacheBounds = {}): NeedsCache {
  const { maxKeys = 10_000, maxChars = 32 * 1024 * 1024 } = bounds;
  const entries = new Map<string, { needs: Needs; chars: number }>();
  let totalChars = 0;

  function keep(key: string, needs: Needs): void {
    const chars = JSON.stringify(needs).length;
    if (chars > maxChars || entries.has(key)) return;
    entries.set(key, { needs, chars });
    totalChars += chars;
    for (const [oldest, { chars: freed }] of entries) {
      if (entries.size <= maxKeys && totalChars <= maxChars) break;
      entries.delete(oldest);
      totalChars -= freed;
    }
  }

  return {
    async get(placementKeys) {
      const unknown = [...placementKeys].filter((key) => !entries.has(key));
      const read = unknown.length > 0 ? await store.getNeeds(unknown) : new Map<string, Needs>();
      const found = new Map<string, Needs>();
      for (const key of placementKeys) {
        const needs = entries.get(key)?.needs ?? read.get(key);
        if (needs) found.set(key, needs);
      }
      for (const [key, needs] of read) keep(key, needs);
      return found;
    },
  };
}

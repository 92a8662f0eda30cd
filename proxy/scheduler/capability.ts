/** Whether a pod can run what a job needs, by its `/object_info`: pure, plus a memory of the answers. */
import type { KnownBody, ObjectInfoCache } from "../jobs/object-info-cache.ts";
import { comparable } from "../jobs/input-info.ts";
import type { Needs } from "../store/new-job.ts";

/** What a pod lacks; capable when both lists are empty and it does not refuse. */
export interface Lacking {
  /** Its ComfyUI has every class and would not run the graph all the same. */
  refused: boolean;
  classes: readonly string[];
  models: readonly Needs["models"][number][];
}

export function isCapable(lacking: Lacking): boolean {
  return !lacking.refused && lacking.classes.length === 0 && lacking.models.length === 0;
}

/** Models are only compared where the class is there and its input is a list. */
export function lackingOf(needs: Needs, { sha256, info }: KnownBody): Lacking {
  return {
    refused: needs.refusedBy?.includes(sha256) ?? false,
    classes: needs.classes.filter((name) => !info.has(name)),
    models: needs.models.filter(({ classType, input, name }) => {
      const lists = info.get(classType)?.choices.get(input);
      return lists !== undefined && !lists.some((list) => list.values.has(comparable(name)));
    }),
  };
}

/** What a pod with this body lacks for jobs of this placement key; null while the body is not known. */
export type LackingLookup = (placementKey: string, objectInfoSha256: string) => Lacking | null;

export interface Capabilities {
  /**
   * Works out what is not known yet; afterwards {@link Capabilities.lookup} answers without I/O. A body that is new is
   * read even without any needs, so that the first job does not wait for it.
   */
  prepare(needs: ReadonlyMap<string, Needs>, hashes: ReadonlySet<string>): Promise<void>;
  lookup: LackingLookup;
}

/** @param capacity answers kept; when it is reached, all are forgotten and worked out anew */
export function createCapabilities(
  { objectInfo, capacity = 100_000 }: { objectInfo: Pick<ObjectInfoCache, "get">; capacity?: number },
): Capabilities {
  const byHash = new Map<string, Map<string, Lacking>>();
  let answers = 0;
  return {
    async prepare(needs, hashes) {
      for (const sha256 of hashes) {
        const known = byHash.get(sha256);
        const missing = [...needs].filter(([key]) => !known?.has(key));
        if (known && missing.length === 0) continue;
        const info = await objectInfo.get(sha256);
        if (!info) continue;
        if (answers + missing.length > capacity) {
          byHash.clear();
          answers = 0;
        }
        const entries = byHash.get(sha256) ?? new Map<string, Lacking>();
        byHash.set(sha256, entries);
        for (const [key, one] of missing) entries.set(key, lackingOf(one, { sha256, info }));
        answers += missing.length;
      }
    },
    lookup: (placementKey, objectInfoSha256) => byHash.get(objectInfoSha256)?.get(placementKey) ?? null,
  };
}

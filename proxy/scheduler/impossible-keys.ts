/**
 * Placement keys that no pod of the fleet can run, remembered so that the queue is read past their jobs: otherwise enough
 * of them would hide every job behind. What a body lacks for a key never changes, so this holds while the bodies do.
 */
import { isCapable, type LackingLookup } from "./capability.ts";

export interface ImpossibleKeys {
  /** Those known for a fleet of these bodies; what was learned for another one is forgotten. */
  among(bodies: ReadonlySet<string>): ReadonlySet<string>;
  /** Takes up those of the keys that no body can run. Without any body nothing is known. */
  learn(placementKeys: Iterable<string>): void;
}

/** @param capacity keys kept; when it is reached, all are forgotten and learned anew */
export function createImpossibleKeys(lacking: LackingLookup, capacity = 4_096): ImpossibleKeys {
  let bodies: ReadonlySet<string> = new Set();
  const keys = new Set<string>();

  function isImpossible(placementKey: string): boolean {
    return bodies.size > 0 && [...bodies].every((sha256) => {
      const found = lacking(placementKey, sha256);
      return found !== null && !isCapable(found);
    });
  }

  return {
    among(current) {
      if (current.symmetricDifference(bodies).size > 0) {
        bodies = new Set(current);
        keys.clear();
      }
      // The lookup may have forgotten; then nobody could say any more why these jobs wait.
      for (const key of keys) if (!isImpossible(key)) keys.delete(key);
      return new Set(keys);
    },
    learn(placementKeys) {
      for (const key of placementKeys) {
        if (keys.has(key) || !isImpossible(key)) continue;
        if (keys.size >= capacity) keys.clear();
        keys.add(key);
      }
    },
  };
}

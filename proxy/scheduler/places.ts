/** Where jobs can go now: free slots, or the places behind attempts that have one. Pure. */
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import type { Avoided } from "./avoidance.ts";
import { isCapable, type LackingLookup } from "./capability.ts";
import { compareText, type PlannedPod, type PodGroup, takesWork } from "./pod-groups.ts";

export interface Place {
  podId: PodId;
  /** Whose slot it is to have next; null: a free one. */
  after: AttemptId | null;
}

/** The places of one group of pods, or of those of it whose GPUs are degraded. */
interface GroupPlaces {
  sha256: string;
  degraded: boolean;
  /** Taken from `next` on. */
  places: Place[];
  next: number;
  /** How many placement keys of this queue it can run. */
  versatility: number;
}

export interface Places {
  /** The next one that the job does not avoid; one that it skips stays for others. Null: none is left for it. */
  take(placementKey: string, avoided: Avoided | undefined): Place | null;
}

export function freeSlotsOf({ id, freeSlots }: PlannedPod): Place[] {
  return Array.from({ length: freeSlots }, () => ({ podId: id, after: null }));
}

export function followersOf({ id, mayFollow = [] }: PlannedPod): Place[] {
  return mayFollow.map((after) => ({ podId: id, after }));
}

function placesIn({ sha256, pods }: PodGroup, placesOf: (pod: PlannedPod) => Place[]): GroupPlaces[] {
  if (sha256 === null) return [];
  const open = pods.filter(takesWork).map((pod) => ({ pod, places: placesOf(pod) }));
  // Those with most first.
  const byRoom = open.filter(({ places }) => places.length > 0).toSorted((a, b) => b.places.length - a.places.length);
  return [false, true].flatMap((degraded) => {
    const places = byRoom.filter(({ pod }) => (pod.gpu.state === "degraded") === degraded)
      .flatMap((one) => one.places);
    return places.length === 0 ? [] : [{ sha256, degraded, places, next: 0, versatility: 0 }];
  });
}

/** For each placement key the groups that can run it: the least versatile first, after all others the degraded ones. */
function candidatesByKey(
  keys: ReadonlySet<string>,
  groups: GroupPlaces[],
  lacking: LackingLookup,
): Map<string, GroupPlaces[]> {
  const candidates = new Map<string, GroupPlaces[]>();
  for (const key of keys) {
    const able = groups.filter((group) => {
      const found = lacking(key, group.sha256);
      return found !== null && isCapable(found);
    });
    for (const group of able) group.versatility += 1;
    candidates.set(key, able);
  }
  for (const able of candidates.values()) {
    able.sort((a, b) =>
      Number(a.degraded) - Number(b.degraded) || a.versatility - b.versatility || compareText(a.sha256, b.sha256)
    );
  }
  return candidates;
}

function takeFrom(groups: readonly GroupPlaces[], avoided: Avoided | undefined): Place | null {
  for (const group of groups) {
    const { places, next } = group;
    if (avoided?.bodies.has(group.sha256)) continue;
    const at = avoided ? places.findIndex(({ podId }, index) => index >= next && !avoided.pods.has(podId)) : next;
    const place = places[at];
    if (place === undefined) continue;
    places.copyWithin(next + 1, next, at);
    group.next += 1;
    return place;
  }
  return null;
}

/** Time: O(keys × bodies + places). */
export function findPlaces(
  groups: readonly PodGroup[],
  placesOf: (pod: PlannedPod) => Place[],
  { keys, lacking }: { keys: ReadonlySet<string>; lacking: LackingLookup },
): Places {
  const candidates = candidatesByKey(keys, groups.flatMap((group) => placesIn(group, placesOf)), lacking);
  return { take: (placementKey, avoided) => takeFrom(candidates.get(placementKey) ?? [], avoided) };
}

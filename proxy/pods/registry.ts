/** Makes the statically configured pods known to the store and gives the `direct` transport its targets. */
import { typeid } from "typeid-js";
import type { PodId } from "../../contracts/ids.ts";
import type { PodRow, PodStore } from "../store/pod-store.ts";

/** Where the `direct` transport finds an agent. */
export interface DirectTarget {
  /** Origin of the agent, e.g. `http://127.0.0.1:8189`. */
  url: string;
  secret: string;
}

/** One entry of the static list; its name is the pod's transport key. */
export interface StaticPodEntry extends DirectTarget {
  name: string;
}

export interface RegisteredPods {
  rows: PodRow[];
  targets: ReadonlyMap<PodId, DirectTarget>;
}

/** A known name keeps its id, so a pod that gets a new address stays the same pod. */
export async function registerStaticPods(
  store: Pick<PodStore, "registerPod">,
  entries: readonly StaticPodEntry[],
): Promise<RegisteredPods> {
  const rows: PodRow[] = [];
  const targets = new Map<PodId, DirectTarget>();
  for (const { name, url, secret } of entries) {
    const row = await store.registerPod({ id: typeid("pod").toString(), name, transportKey: name });
    rows.push(row);
    targets.set(row.id, { url, secret });
  }
  return { rows, targets };
}

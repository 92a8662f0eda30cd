/** What nodes call themselves: each chooses freely, so that a name is read and never believed. Pure. */
import { PodId } from "../../contracts/ids.ts";
import type { TailnetPeer } from "./peers.ts";

/** The pod that a node's host name says to be, in letters of either case, without the underscore; null for any other name. */
export function podIdOfHostName(hostName: string): PodId | null {
  const parsed = PodId.safeParse(hostName.toLowerCase().replace(/^pod-/, "pod_"));
  return parsed.success ? parsed.data : null;
}

/** As host names are, and of one line: it stands in lists, logs and terminals. */
const HOST_NAME = /^[\w.-]{1,63}$/;

/** What the pod is called: as it calls itself where that is a host name and not another pod's id, else its StableID. */
export function nameOfNode({ hostName, stableId }: Pick<TailnetPeer, "hostName" | "stableId">): string {
  return HOST_NAME.test(hostName) && !hostName.startsWith("pod_") ? hostName : stableId;
}

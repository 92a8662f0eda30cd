/** Pod ids as host names, which have no underscore. Pure. */
import { PodId } from "../../contracts/ids.ts";

/** The pod that a node's host name says to be, in letters of either case; null for any other name. */
export function podIdOfHostName(hostName: string): PodId | null {
  const parsed = PodId.safeParse(hostName.toLowerCase().replace(/^pod-/, "pod_"));
  return parsed.success ? parsed.data : null;
}

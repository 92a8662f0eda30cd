/** Words that lines of the pod's report share. */
import type { PeerStatus } from "../../contracts/tailnet/local-api-schemas.ts";

export const POLICY = "Apply docker/tailnet/policy.hujson: the edge may call pods, and pods nobody.";

/** Of another machine's choice: short, for people only. */
export function nameOf({ DNSName, HostName, ID }: Pick<PeerStatus, "DNSName" | "HostName" | "ID">): string {
  return (DNSName?.split(".")[0] || HostName || ID).slice(0, 63);
}

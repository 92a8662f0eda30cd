/** Who calls an agent over the tailnet, and with which roles of its policy. */
import { rolesOf, type Whois } from "../tailnet/local-api-schemas.ts";
import { DEV_POD_TAG, EDGE_TAG, POD_TAG, type Role } from "../tailnet/words.ts";

export interface AgentCaller {
  /** StableID. */
  node: string;
  /** For people; never trusted. */
  name: string;
  roles: ReadonlySet<Role>;
}

/**
 * Null for who has no role: without a grant of the capability, a pod whatever the policy grants it, or who may only
 * `invoke` and is no edge.
 */
export function callerOf(whois: Whois, capability: string): AgentCaller | null {
  const { StableID, Name, Tags } = whois.Node;
  if (Tags.includes(POD_TAG) || Tags.includes(DEV_POD_TAG)) return null;
  const roles = new Set([...rolesOf(whois, capability)].filter((role) => role !== "invoke" || Tags.includes(EDGE_TAG)));
  return roles.size === 0 ? null : { node: StableID, name: Name ?? StableID, roles };
}

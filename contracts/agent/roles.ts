/**
 * Which role of the tailnet's policy a call to an agent needs, and which roles a caller has. The transport asks before
 * it reads a body; the secret of the direct transport stands for all of them.
 */
import type { Whois } from "../tailnet/local-api-schemas.ts";
import { rolesOf } from "../tailnet/local-api-schemas.ts";
import { DEV_POD_TAG, EDGE_TAG, POD_TAG, type Role } from "../tailnet/words.ts";
import { OPERATOR_PROCEDURES } from "./operator.ts";
import { AGENT_ROUTES } from "./routes.ts";

const PROCEDURE = `${AGENT_ROUTES.trpc}/`;

/**
 * By what operators may call through an edge: `observe` for what they may read, `operate` for what they may change. All
 * else, unknown paths and other spellings included, is an edge's.
 * @param path a URL's, as it came
 */
export function roleFor(path: string): Role {
  if (path === AGENT_ROUTES.metrics) return "observe";
  const procedure = path.startsWith(PROCEDURE) ? OPERATOR_PROCEDURES.get(path.slice(PROCEDURE.length)) : undefined;
  if (procedure === undefined) return "invoke";
  return procedure.scope === "pods:read" ? "observe" : "operate";
}

/** Who calls an agent over the tailnet. */
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

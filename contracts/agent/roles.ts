/** Which role of the tailnet's policy a call to an agent needs. The direct transport's secret stands for all of them. */
import type { Role } from "../tailnet/words.ts";
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

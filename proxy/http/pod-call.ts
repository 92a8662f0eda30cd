/**
 * What a request below `/pods/` asks of which pod. The path that goes to the agent is made anew from a procedure's name
 * that is on the list, never copied: there is nothing in it to decode, to split or to climb with. Pure.
 */
import { isAgentProcedure, OPERATOR_PROCEDURES, type OperatorProcedure } from "../../contracts/agent/operator.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import { PodId } from "../../contracts/ids.ts";

export interface PodCall extends OperatorProcedure {
  podId: PodId;
  /** E.g. `comfy.logs`. */
  procedure: string;
  /** Path and query on the agent. */
  path: string;
}

const PATH = /^\/pods\/([^/]+)\/trpc\/(.+)$/;
const PROCEDURE = /^[A-Za-z]+(\.[A-Za-z]+)+$/;
/** What tRPC's client sends with one call; `batch` and `connectionParams` are not among it. */
const QUERY: ReadonlySet<string> = new Set(["input", "lastEventId"]);

function malformed(why: string): FleetError {
  return new FleetError("invalid_input", `Cannot pass the call to a pod: ${why}`, {
    hint: "Call one procedure at /pods/{podId}/trpc/{procedure}, without batches or encoded characters.",
  });
}

function operatorProcedure(name: string): OperatorProcedure {
  const found = OPERATOR_PROCEDURES.get(name);
  if (found) return found;
  if (!isAgentProcedure(name)) {
    throw new FleetError("not_found", `Cannot call '${name}' on a pod: agents have no such procedure`, {
      hint: "Check the client's version.",
    });
  }
  throw new FleetError("forbidden", `Cannot call '${name}' on a pod: it is for edges alone`, {
    hint: "Jobs go through the edge's jobs.*; a pod is drained with the edge's pods.drain.",
  });
}

/** @throws FleetError `not_found`, `invalid_input`, `forbidden` */
export function parsePodCall({ url, method }: Pick<Request, "url" | "method">): PodCall {
  const { pathname, search, searchParams } = new URL(url);
  const [, id, procedure] = PATH.exec(pathname) ?? [];
  if (id === undefined || procedure === undefined) {
    throw new FleetError("not_found", "Cannot find this path", {
      hint: "A pod's procedures are at /pods/{podId}/trpc/{procedure}.",
    });
  }
  if (!PROCEDURE.test(procedure)) throw malformed("the path does not name exactly one procedure");
  const podId = PodId.safeParse(id);
  if (!podId.success) {
    throw new FleetError("not_found", "Cannot find the pod: this is no pod id", {
      hint: "List the pods to see their ids.",
    });
  }
  for (const name of searchParams.keys()) if (!QUERY.has(name)) throw malformed("its query has more than one input");
  const { type, scope } = operatorProcedure(procedure);
  const expected = type === "mutation" ? "POST" : "GET";
  if (method !== expected) throw malformed(`'${procedure}' is a ${type}, which goes by ${expected}`);
  return { podId: podId.data, procedure, type, scope, path: `${AGENT_ROUTES.trpc}/${procedure}${search}` };
}

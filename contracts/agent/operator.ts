/**
 * What operators may call on a pod through an edge: exactly the procedures whose meta names an operator's scope. An edge
 * forwards these and nothing else, so that a procedure is out of reach until its author says otherwise.
 */
import type { Scope } from "../tenant.ts";
import type { ProcedureMeta } from "../trpc.ts";
import { agentRouter } from "./router.ts";

export interface OperatorProcedure {
  type: "query" | "mutation" | "subscription";
  scope: Scope;
}

/** These belong to the edge that holds the pod: whoever else called them would break its fence or its jobs. */
const EDGES_ONLY = /^(attempts\..+|pod\.(beat|drain|watch))$/;

/** What tRPC keeps of a procedure; its types show the router as it is nested, at run time it is flat. */
interface Flat {
  _def: { type: OperatorProcedure["type"]; meta?: ProcedureMeta };
}

const PROCEDURES: ReadonlyMap<string, Flat> = new Map(
  Object.entries<Flat>(agentRouter._def.procedures as object as Record<string, Flat>),
);

/** Null for what is no procedure of the agent's contract. */
export function typeOfProcedure(path: string): OperatorProcedure["type"] | null {
  return PROCEDURES.get(path)?._def.type ?? null;
}

/** Whether the agent's contract has this procedure, for operators or not. */
export function isAgentProcedure(path: string): boolean {
  return PROCEDURES.has(path);
}

function operatorProcedures(): ReadonlyMap<string, OperatorProcedure> {
  const found = new Map<string, OperatorProcedure>();
  for (const [path, { _def }] of PROCEDURES) {
    const scope = _def.meta?.operator;
    if (scope !== undefined && !EDGES_ONLY.test(path)) found.set(path, { type: _def.type, scope });
  }
  return found;
}

/** By path, e.g. `comfy.logs`. */
export const OPERATOR_PROCEDURES: ReadonlyMap<string, OperatorProcedure> = operatorProcedures();

/**
 * What operators may call on a pod through an edge: exactly the procedures whose meta names an operator's scope. An
 * edge forwards these and nothing else, so that a procedure is out of reach until its author says otherwise.
 */
import type { Scope } from "../tenant.ts";
import { AGENT_PROCEDURES, type AgentProcedure } from "./procedures.ts";

export interface OperatorProcedure {
  type: AgentProcedure["type"];
  scope: Scope;
}

/** These belong to the edge that holds the pod: whoever else called them would break its fence or its jobs. */
const EDGES_ONLY = /^(attempts\..+|pod\.(beat|drain|watch))$/;

/** Whether the agent's contract has this procedure, for operators or not. */
export function isAgentProcedure(path: string): boolean {
  return AGENT_PROCEDURES.has(path);
}

function operatorProcedures(): ReadonlyMap<string, OperatorProcedure> {
  const found = new Map<string, OperatorProcedure>();
  for (const [path, { type, meta }] of AGENT_PROCEDURES) {
    const scope = meta?.operator;
    if (scope !== undefined && !EDGES_ONLY.test(path)) found.set(path, { type, scope });
  }
  return found;
}

/** By path, e.g. `comfy.logs`. */
export const OPERATOR_PROCEDURES: ReadonlyMap<string, OperatorProcedure> = operatorProcedures();

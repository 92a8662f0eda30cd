/** The procedures of the agent's contract, as whoever looks one up by a foreign name needs them. */
import type { ProcedureMeta } from "../trpc.ts";
import { agentRouter } from "./router.ts";

export interface AgentProcedure {
  type: "query" | "mutation" | "subscription";
  meta?: ProcedureMeta;
}

/** What tRPC keeps; its types show the router as it is nested, at run time it is flat. */
type Flat = Record<string, { _def: AgentProcedure }>;

/** By path, e.g. `comfy.logs`. */
export const AGENT_PROCEDURES: ReadonlyMap<string, AgentProcedure> = new Map(
  Object.entries(agentRouter._def.procedures as object as Flat).map(([path, { _def }]) => [path, _def]),
);

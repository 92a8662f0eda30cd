/** Which node a fault makes fail: any, or the named one. */
import { parseMoment } from "./moment.ts";

/** How it is written, for messages to people. */
export const NODE_SYNTAX = "run (any node, default) or node:ID";

export function refusesNode(argument: string | null): string | null {
  const kind = parseMoment(argument ?? "run")?.kind;
  return kind === "run" || kind === "node" ? null : `"${argument}" names no node: use ${NODE_SYNTAX}`;
}

export function isMeant(argument: string | null, nodeId: string): boolean {
  const moment = parseMoment(argument ?? "run");
  return moment?.kind === "run" || (moment?.kind === "node" && moment.nodeId === nodeId);
}

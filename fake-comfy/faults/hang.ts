/** Something never comes back, until the fault is cleared. */
import type { Armed, Fault } from "./fault.ts";
import { parseMoment } from "./moment.ts";

export const hang: Fault = {
  name: "hang",
  summary: "HTTP stops answering (no argument or http), or a node never ends and heeds no interrupt (run, node:ID)",
  refuses(argument) {
    if (argument === "http" || argument === null) return null;
    const kind = parseMoment(argument)?.kind;
    return kind === "run" || kind === "node" ? null : `"${argument}" is not what can hang: use http, run or node:ID`;
  },
  async beforeRequest(armed) {
    if (armed.argument === null || armed.argument === "http") await armed.cleared;
  },
  async nodeStarts(armed, { nodeId }) {
    if (holdsNode(armed, nodeId)) await armed.cleared;
  },
};

function holdsNode(armed: Armed, nodeId: string): boolean {
  if (armed.argument === null || armed.argument === "http") return false;
  const moment = parseMoment(armed.argument);
  return moment?.kind === "run" || (moment?.kind === "node" && moment.nodeId === nodeId);
}

/** The whole process stands still for a while, as when a node holds Python's lock. */
import { parseDuration } from "./duration.ts";
import { isMeant, refusesNode } from "./failing-node.ts";
import type { Fault } from "./fault.ts";

const SYNTAX = "Nms, run:Nms or node:ID:Nms";

function parse(argument: string | null): { when: string | null; ms: number } | null {
  const [, when = null, length = ""] = /^(?:(.+):)?([^:]+)$/.exec(argument ?? "") ?? [];
  const ms = parseDuration(length);
  return ms === null || (when !== null && refusesNode(when) !== null) ? null : { when, ms };
}

export const freeze: Fault = {
  name: "freeze",
  summary: `the whole process stands still, now or whenever a node starts; argument: ${SYNTAX}`,
  refuses: (argument) => parse(argument) === null ? `"${argument}" says not how long: use ${SYNTAX}` : null,
  whenReady({ argument, surface }) {
    const freezing = parse(argument);
    // After the answer to whoever armed it.
    if (freezing !== null && freezing.when === null) setTimeout(() => surface.freeze(freezing.ms), 20);
  },
  nodeStarts({ argument, surface }, { nodeId }) {
    const freezing = parse(argument);
    if (freezing !== null && freezing.when !== null && isMeant(freezing.when, nodeId)) surface.freeze(freezing.ms);
  },
};

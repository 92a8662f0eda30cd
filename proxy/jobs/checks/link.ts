/** Whether an input may take the output it is linked to (ComfyUI 0.30 `validate_node_input`). */
import { isLink } from "../../../contracts/workflow.ts";
import type { ChoiceList, SocketType } from "../input-info.ts";

const ANY = new Set(["*", "COMFY_MATCHTYPE_V3"]);

function isChoices(type: SocketType): type is ChoiceList {
  return typeof type !== "string";
}

function names(type: string): string[] {
  return type.split(",").map((name) => name.trim());
}

function shown(type: SocketType): string {
  return isChoices(type) ? "a list of choices" : type;
}

export function typesMatch(received: SocketType, wanted: SocketType): boolean {
  if (received === wanted) return true;
  if ((!isChoices(received) && ANY.has(received)) || (!isChoices(wanted) && ANY.has(wanted))) return true;
  if (isChoices(received)) return wanted === "COMBO";
  if (isChoices(wanted)) return false;
  const wantedNames = names(wanted);
  return names(received).some((name) => name === "*" || wantedNames.includes("*") || wantedNames.includes(name));
}

/** Why the list `value` is no good link for an input of type `wanted`, or null. */
export function linkProblem(
  value: readonly unknown[],
  wanted: SocketType,
  source: (nodeId: string) => { classType: string; outputs: readonly SocketType[] } | null,
): string | null {
  if (value.length !== 2) {
    return "A link must be a list of two: node id and output slot; wrap a list value in __value__";
  }
  if (!isLink(value)) return "A link must name its node by a string and its output slot by an integer";
  const [nodeId, slot] = value;
  const from = source(nodeId);
  if (!from) return `It is linked to node '${nodeId}', which does not exist`;
  // Python counts negative indexes from the end.
  const received = from.outputs.at(slot);
  if (received === undefined) {
    return `It is linked to output ${slot} of node '${nodeId}' (${from.classType}), which has ${from.outputs.length}`;
  }
  if (typesMatch(received, wanted)) return null;
  return `It takes ${shown(wanted)}, but output ${slot} of node '${nodeId}' (${from.classType}) is ${shown(received)}`;
}

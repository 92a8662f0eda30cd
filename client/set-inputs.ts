/** `{ "NODE.INPUT": value }` into a graph: NODE is a node id or a title that only one node has. */
import { FleetError } from "../contracts/errors.ts";
import type { AssetId } from "../contracts/ids.ts";
import { isLink, type JsonValue, type Workflow, type WorkflowNode } from "../contracts/workflow.ts";
import type { Asset } from "../contracts/asset.ts";
import { Upload } from "./assets.ts";

export type InputValue = JsonValue | Upload;
export type InputValues = Record<string, InputValue>;

function candidates(workflow: Workflow): string {
  const named = Object.entries(workflow).slice(0, 30).map(([id, node]) => {
    const title = node._meta?.title;
    const fields = Object.entries(node.inputs).filter(([, value]) => !isLink(value)).map(([field]) => field);
    return `${id}${title ? ` ('${title}')` : ""}: ${fields.join(", ") || "no values"}`;
  });
  return `The workflow's nodes and inputs are ${named.join("; ")}.`;
}

/** The node with this id, or the only one with this title; null when there is none. */
function findNode(workflow: Workflow, name: string): WorkflowNode | null {
  if (Object.hasOwn(workflow, name)) return workflow[name] ?? null;
  const titled = Object.values(workflow).filter((node) => node._meta?.title === name);
  if (titled.length <= 1) return titled[0] ?? null;
  throw new FleetError("invalid_input", `Cannot set an input of '${name}': ${titled.length} nodes have this title`, {
    hint: "Use the node's id instead.",
  });
}

/** Where `NODE.INPUT` is split: titles and input names may hold dots (`format.codec`), so each dot is tried. */
function locate(workflow: Workflow, target: string): { node: WorkflowNode; input: string } {
  let found: { node: WorkflowNode; input: string } | null = null;
  for (let dot = target.indexOf("."); dot > 0; dot = target.indexOf(".", dot + 1)) {
    const node = findNode(workflow, target.slice(0, dot));
    const input = target.slice(dot + 1);
    if (node && Object.hasOwn(node.inputs, input)) return { node, input };
    if (node) found ??= { node, input };
  }
  const hint = candidates(workflow);
  if (!found) throw new FleetError("invalid_input", `Cannot set '${target}': no node has this id or title`, { hint });
  throw new FleetError("invalid_input", `Cannot set '${target}': the node has no input '${found.input}'`, {
    hint: `${hint} An input that the graph does not have yet must be added to the workflow itself.`,
  });
}

/** How a graph or a service's input names an asset. */
export function assetReference(assetId: AssetId): JsonValue {
  return { __type: "core/ASSET", info: { id: assetId } };
}

/**
 * A copy of the workflow with the values set and every {@link Upload} among them uploaded.
 * @throws FleetError `invalid_input` for an unknown or ambiguous node or an input it does not have, with the workflow's inputs
 * as hint.
 */
export async function setInputs(
  workflow: Workflow,
  values: InputValues,
  upload: (source: Upload) => Promise<Asset>,
): Promise<Workflow> {
  const changed = structuredClone(workflow);
  for (const [target, value] of Object.entries(values)) {
    const { node, input } = locate(changed, target);
    node.inputs[input] = value instanceof Upload ? assetReference((await upload(value)).id) : value;
  }
  return changed;
}

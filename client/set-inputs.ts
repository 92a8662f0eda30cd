/** `{ "NODE.INPUT": value }` into a graph: NODE is a node id or a title that only one node has. */
import { FleetError } from "../contracts/errors.ts";
import type { AssetId } from "../contracts/ids.ts";
import { isLink, type JsonValue, type Workflow } from "../contracts/workflow.ts";
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

function nodeIdOf(workflow: Workflow, node: string): string {
  if (Object.hasOwn(workflow, node)) return node;
  const titled = Object.entries(workflow).filter(([, found]) => found._meta?.title === node);
  const [only] = titled;
  if (only && titled.length === 1) return only[0];
  const state = titled.length > 1 ? `${titled.length} nodes have this title` : "no node has this id or title";
  throw new FleetError("invalid_input", `Cannot set an input of '${node}': ${state}`, { hint: candidates(workflow) });
}

function assetReference(assetId: AssetId): JsonValue {
  return { __type: "core/ASSET", info: { id: assetId } };
}

/**
 * A copy of the workflow with the values set and every {@link Upload} among them uploaded.
 * @throws FleetError `invalid_input` for an unknown or ambiguous node, with the workflow's inputs as hint.
 */
export async function setInputs(
  workflow: Workflow,
  values: InputValues,
  upload: (source: Upload) => Promise<Asset>,
): Promise<Workflow> {
  const changed = structuredClone(workflow);
  for (const [target, value] of Object.entries(values)) {
    const dot = target.lastIndexOf(".");
    // A dotted input name (`format.codec`) belongs whole to a node whose id or title ends before its first dot.
    const first = target.indexOf(".");
    const at = Object.hasOwn(changed, target.slice(0, first)) ? first : dot;
    if (at <= 0) {
      throw new FleetError("invalid_input", `Cannot set '${target}': expected NODE.INPUT`, {
        hint: candidates(changed),
      });
    }
    const node = changed[nodeIdOf(changed, target.slice(0, at))];
    if (node) {
      node.inputs[target.slice(at + 1)] = value instanceof Upload ? assetReference((await upload(value)).id) : value;
    }
  }
  return changed;
}

/**
 * A workflow: ComfyUI's API-format graph, `Record<nodeId, { class_type, inputs }>`.
 * Types and walking only; `workflow-parse.ts` turns foreign input into one.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** `[nodeId, outputIndex]`: an input that takes another node's output. */
export type NodeLink = [nodeId: string, slot: number];

/** Comfy API v2's reference to an asset inside a graph. */
export interface AssetReference {
  __type: "core/ASSET";
  info: { id: string };
}

export interface WorkflowNode {
  class_type: string;
  inputs: Record<string, JsonValue>;
  _meta?: { title?: string };
}

export type Workflow = Record<string, WorkflowNode>;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** ComfyUI takes a two-element list of a string and an integer for a link, whatever the input's type. */
export function isLink(value: unknown): value is NodeLink {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === "string" && Number.isInteger(value[1]);
}

export function isAssetReference(value: unknown): value is AssetReference {
  return isRecord(value) && value.__type === "core/ASSET" && isRecord(value.info) && typeof value.info.id === "string";
}

/** One asset reference and where it stands. */
export interface AssetUse {
  nodeId: string;
  input: string;
  assetId: string;
}

/** Every asset reference that is a direct input value; `workflow-parse.ts` refuses deeper ones. */
export function assetUses(workflow: Workflow): AssetUse[] {
  return Object.entries(workflow).flatMap(([nodeId, node]) =>
    Object.entries(node.inputs).flatMap(([input, value]) =>
      isAssetReference(value) ? [{ nodeId, input, assetId: value.info.id }] : []
    )
  );
}

/** A copy of the graph with each direct input value passed through `map`; everything else is kept as it is. */
export function mapInputs(
  workflow: Workflow,
  map: (value: JsonValue, input: string, node: WorkflowNode) => JsonValue,
): Workflow {
  return Object.fromEntries(
    Object.entries(workflow).map(([nodeId, node]) => {
      const inputs = Object.entries(node.inputs).map(([input, value]) => [input, map(value, input, node)] as const);
      return [nodeId, { ...node, inputs: Object.fromEntries(inputs) }];
    }),
  );
}

/**
 * The graph hash: equal for graphs that make the same pictures. RFC 8785 JSON of the compiled graph without titles and
 * filename prefixes, assets by their bytes. Pure.
 */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Sha256 } from "../../contracts/ids.ts";
import { isAssetReference, type JsonValue, type Workflow } from "../../contracts/workflow.ts";

/** Names where a file goes, never what is in it. */
const PREFIX_INPUT = "filename_prefix";

/** @param assets asset id → sha256; an id that is not in it stands for itself */
export function graphSha256(workflow: Workflow, assets: ReadonlyMap<string, Sha256>): Sha256 {
  const bytesOf = (value: JsonValue): JsonValue => {
    if (!isAssetReference(value)) return value;
    const { id } = value.info;
    return { __type: "core/ASSET", sha256: assets.get(id) ?? id };
  };
  const nodes = Object.entries(workflow).map(([nodeId, node]) => {
    const inputs = Object.entries(node.inputs)
      .filter(([input]) => input !== PREFIX_INPUT)
      .map(([input, value]) => [input, bytesOf(value)] as const);
    return [nodeId, { class_type: node.class_type, inputs: Object.fromEntries(inputs) }] as const;
  });
  const json = canonicalize(Object.fromEntries(nodes));
  if (json === undefined) throw new TypeError("Cannot hash the graph: it is no JSON value");
  return hash("sha256", json, "hex");
}

/** What a link looks like in a graph: `["node id", slot]`. */
import { isJsonObject, type Json, type JsonObject } from "../python.ts";
import type { Graph } from "../queue/prompt-queue.ts";

/** A link to another node's output. */
export interface Link {
  readonly nodeId: string;
  readonly slot: number;
}

/** The link, or null when the value is a constant. */
export function linkOf(value: Json): Link | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [nodeId, slot] = value;
  return typeof nodeId === "string" && typeof slot === "number" ? { nodeId, slot } : null;
}

/** A node's inputs; empty for a node without any. */
export function inputsOf(graph: Graph, nodeId: string): JsonObject {
  const node = graph[nodeId];
  const inputs = isJsonObject(node) ? node["inputs"] : null;
  return isJsonObject(inputs) ? inputs : {};
}

/** A node's class name. */
export function classTypeOf(graph: Graph, nodeId: string): string {
  const node = graph[nodeId];
  return isJsonObject(node) ? String(node["class_type"]) : "";
}

/** The nodes that a node's inputs come from, in the order of its inputs. */
export function sourcesOf(graph: Graph, nodeId: string): string[] {
  return Object.values(inputsOf(graph, nodeId)).flatMap((value) => linkOf(value)?.nodeId ?? []);
}

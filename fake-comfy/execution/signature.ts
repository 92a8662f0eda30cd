/** The key under which a node's outputs are cached: its class, its constants, and the same of all its ancestors. */
import { type Json, PyError } from "../python.ts";
import type { Graph } from "../queue/prompt-queue.ts";
import { classTypeOf, inputsOf, linkOf, sourcesOf } from "./links.ts";

/** The fingerprint of a node whose class has one; undefined for classes without. */
export type Fingerprints = ReadonlyMap<string, string>;

/** The signature of one node. Node ids do not enter, only how the ancestors hang together. */
export function nodeSignature(graph: Graph, nodeId: string, fingerprints: Fingerprints): string {
  const order = new Map<string, number>();
  collectAncestors(graph, nodeId, order);
  const nodes = [nodeId, ...order.keys()];
  return JSON.stringify(nodes.map((id) => immediate(graph, id, { order, fingerprint: fingerprints.get(id) })));
}

function immediate(
  graph: Graph,
  nodeId: string,
  known: { order: ReadonlyMap<string, number>; fingerprint: string | undefined },
): Json {
  const inputs = Object.entries(inputsOf(graph, nodeId)).sort(([one], [other]) => (one < other ? -1 : 1));
  const parts = inputs.map(([name, value]): Json => {
    const link = linkOf(value);
    return link === null
      ? [name, sortedKeys(value)]
      : [name, "ANCESTOR", known.order.get(link.nodeId) ?? -1, link.slot];
  });
  return [classTypeOf(graph, nodeId), known.fingerprint ?? false, ...parts];
}

function collectAncestors(graph: Graph, nodeId: string, order: Map<string, number>): void {
  for (const source of sourcesOf(sortedInputs(graph, nodeId), nodeId)) {
    if (order.has(source)) continue;
    order.set(source, order.size);
    if (order.size > 100_000) throw new PyError("RecursionError", "maximum recursion depth exceeded");
    collectAncestors(graph, source, order);
  }
}

function sortedInputs(graph: Graph, nodeId: string): Graph {
  const inputs = inputsOf(graph, nodeId);
  const sorted = Object.fromEntries(Object.entries(inputs).sort(([one], [other]) => (one < other ? -1 : 1)));
  return { [nodeId]: { inputs: sorted } };
}

function sortedKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, sortedKeys(item)]));
}

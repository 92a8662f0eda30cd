/** What is wrong with a graph, by node, as it goes into `details.nodeErrors`: bounded, and safe for any node id. */
import type { NodeProblem } from "./workflow-value.ts";

/** More than a person mends at once. */
export const MAX_BAD_NODES = 50;
const MAX_PROBLEMS_PER_NODE = 10;

export class NodeErrors {
  // A map, because an object has things under `constructor` and `toString` already.
  readonly #byNode = new Map<string, NodeProblem[]>();

  get isEmpty(): boolean {
    return this.#byNode.size === 0;
  }

  /** Further nodes would be left out. */
  get isFull(): boolean {
    return this.#byNode.size >= MAX_BAD_NODES;
  }

  /** Left out beyond 50 nodes and 10 problems of each. */
  add(nodeId: string, problem: NodeProblem): void {
    const problems = this.#byNode.get(nodeId) ?? [];
    if (problems.length >= MAX_PROBLEMS_PER_NODE || (problems.length === 0 && this.isFull)) return;
    problems.push(problem);
    this.#byNode.set(nodeId, problems);
  }

  toRecord(): Record<string, NodeProblem[]> {
    return Object.fromEntries(this.#byNode);
  }
}

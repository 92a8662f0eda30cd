/**
 * In which order the nodes of a prompt run: only what the outputs need and the cache does not hold, an output node as
 * soon as it is ready, then whatever leads to an output soonest.
 */
import type { Graph } from "../queue/prompt-queue.ts";
import { sourcesOf } from "./links.ts";

/** What the order depends on. */
export interface OrderSources {
  readonly graph: Graph;
  readonly isCached: (nodeId: string) => boolean;
  readonly isOutput: (nodeId: string) => boolean;
}

/** The nodes still to run. */
export class ExecutionOrder {
  readonly #sources: OrderSources;
  /** Pending nodes in the order they were found, each with the nodes that wait for it. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #blockers = new Map<string, number>();

  constructor(sources: OrderSources) {
    this.#sources = sources;
  }

  /** Adds a node and everything it depends on that is not cached. */
  add(root: string): void {
    const stack = [root];
    const links: [from: string, to: string][] = [];
    for (let nodeId = stack.pop(); nodeId !== undefined; nodeId = stack.pop()) {
      if (this.#waiting.has(nodeId)) continue;
      this.#waiting.set(nodeId, new Set());
      this.#blockers.set(nodeId, 0);
      for (const source of sourcesOf(this.#sources.graph, nodeId)) {
        if (this.#sources.isCached(source)) continue;
        stack.push(source);
        links.push([source, nodeId]);
      }
    }
    for (const [from, to] of links) {
      const waiters = this.#waiting.get(from);
      if (waiters === undefined || waiters.has(to)) continue;
      waiters.add(to);
      this.#blockers.set(to, (this.#blockers.get(to) ?? 0) + 1);
    }
  }

  /** The node to run next; null when none is left. The node stays pending until `complete` is called. */
  next(): string | null {
    const ready = [...this.#waiting.keys()].filter((nodeId) => this.#blockers.get(nodeId) === 0);
    const leadsToOutput = (nodeId: string, steps: number): boolean => {
      if (steps === 0) return this.#sources.isOutput(nodeId);
      return [...this.#waiting.get(nodeId) ?? []].some((waiter) => leadsToOutput(waiter, steps - 1));
    };
    for (const steps of [0, 1, 2]) {
      const found = ready.find((nodeId) => leadsToOutput(nodeId, steps));
      if (found !== undefined) return found;
    }
    return ready[0] ?? null;
  }

  /** The node is done; whoever waited for it has one blocker less. */
  complete(nodeId: string): void {
    for (const waiter of this.#waiting.get(nodeId) ?? []) {
      this.#blockers.set(waiter, (this.#blockers.get(waiter) ?? 0) - 1);
    }
    this.#waiting.delete(nodeId);
  }
}

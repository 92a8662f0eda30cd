/**
 * ComfyUI's events of one run → one number that never falls.
 *
 * Every node to execute weighs 1; one that reports steps, or has a `steps` input and so is going to, weighs
 * {@link STEPPED_WEIGHT}. Each advance takes its share of what is left: `left *= weightAfter / weightBefore`. So weights may
 * be corrected while the run goes on (a node turns out to report steps) without the bar jumping or falling back.
 */
import type { Progress } from "../../contracts/progress.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { ComfyMessage } from "../comfy/port.ts";
import { nodesToRun, sourcesOf } from "./run-nodes.ts";

/** A sampler or a per-frame node takes far longer than loaders, converters and savers around it. */
const STEPPED_WEIGHT = 10;

interface NodeProgress {
  weight: number;
  /** Part of the node that is done, 0..1. */
  fraction: number;
}

export class ProgressTracker {
  readonly #workflow: Workflow;
  readonly #outputClasses: ReadonlySet<string> | null;
  #nodes: Map<string, NodeProgress>;
  /** Part of the whole that is left, 1..0. */
  #left: number;
  #current: string | null = null;
  #step: number | null = null;
  #steps: number | null = null;

  /** @param resumed Last progress before the agent restarted: the value goes on from there. */
  constructor(workflow: Workflow, options: { outputClasses: ReadonlySet<string> | null; resumed: Progress | null }) {
    this.#workflow = workflow;
    this.#outputClasses = options.outputClasses;
    this.#nodes = this.#weigh(new Set());
    this.#left = 1 - (options.resumed?.value ?? 0);
  }

  /** Takes a message of this run in; returns whether the snapshot changed. */
  apply(message: ComfyMessage): boolean {
    switch (message.type) {
      case "cached":
        return this.#onCached(message.nodes);
      case "executing":
        return this.#onExecuting(message.nodeId);
      case "step":
        return this.#onStep(message.nodeId, message.step, message.steps);
      case "executed":
        return this.#advance(() => this.#finishNode(message.nodeId));
      case "finished":
        return this.complete();
      case "started":
      case "interrupted":
      case "failed":
      case "preview":
        return false;
    }
  }

  /** The run has succeeded: everything is done, whatever events were missed. */
  complete(): boolean {
    return this.#advance(() => {
      for (const id of this.#nodes.keys()) this.#finishNode(id);
      this.#left = 0;
      this.#current = this.#step = this.#steps = null;
    });
  }

  snapshot(): Progress {
    return {
      value: Math.min(1, Math.max(0, 1 - this.#left)),
      nodesDone: [...this.#nodes.values()].filter((node) => node.fraction === 1).length,
      nodesTotal: this.#nodes.size,
      currentNode: this.#current,
      currentNodeClass: this.#current === null ? null : this.#workflow[this.#current]?.class_type ?? null,
      step: this.#step,
      steps: this.#steps,
    };
  }

  #weigh(cached: ReadonlySet<string>): Map<string, NodeProgress> {
    const ids = nodesToRun(this.#workflow, { outputClasses: this.#outputClasses, cached });
    const weightOf = (id: string) => (typeof this.#workflow[id]?.inputs.steps === "number" ? STEPPED_WEIGHT : 1);
    return new Map([...ids].map((id) => [id, { weight: weightOf(id), fraction: 0 }]));
  }

  #onCached(cached: string[]): boolean {
    const before = this.#nodes;
    this.#nodes = this.#weigh(new Set(cached));
    for (const [id, node] of before) {
      const kept = this.#nodes.get(id);
      if (kept) kept.fraction = node.fraction;
    }
    return true;
  }

  #onExecuting(nodeId: string): boolean {
    // A node that a running node expanded into is no node of the graph: the one it stands for stays the current one.
    if (!Object.hasOwn(this.#workflow, nodeId) || nodeId === this.#current) return false;
    return this.#advance(() => {
      if (this.#current !== null) this.#finishNode(this.#current);
      // It runs, so all it needs is done, even where the events that said so were missed.
      for (const id of nodesToRunBefore(this.#workflow, nodeId)) this.#finishNode(id);
      this.#current = nodeId;
      this.#step = this.#steps = null;
    });
  }

  #onStep(nodeId: string, step: number, steps: number): boolean {
    const node = this.#nodes.get(nodeId);
    if (!node || !(steps > 0) || node.fraction === 1) return false;
    node.weight = Math.max(node.weight, STEPPED_WEIGHT);
    return this.#advance(() => {
      if (this.#current !== nodeId) this.#current = nodeId;
      this.#steps = Math.max(1, Math.round(steps));
      this.#step = Math.min(this.#steps, Math.max(0, Math.round(step)));
      // Below 1: only its end ends a node, for it may count through its steps more than once.
      node.fraction = Math.max(node.fraction, Math.min(0.99, step / steps));
    });
  }

  #finishNode(nodeId: string): boolean {
    const node = this.#nodes.get(nodeId);
    if (!node || node.fraction === 1) return false;
    node.fraction = 1;
    return true;
  }

  /** Applies `change` and takes what it finished off what is left. */
  #advance(change: () => void): boolean {
    const before = this.#open();
    const seenBefore = JSON.stringify([this.#left, before, this.#current, this.#step, this.#steps]);
    change();
    const after = this.#open();
    if (before > 0) this.#left *= Math.min(1, after / before);
    return seenBefore !== JSON.stringify([this.#left, after, this.#current, this.#step, this.#steps]);
  }

  /** Weight of everything that is not done yet. */
  #open(): number {
    let open = 0;
    for (const node of this.#nodes.values()) open += node.weight * (1 - node.fraction);
    return open;
  }
}

function nodesToRunBefore(workflow: Workflow, nodeId: string): Set<string> {
  const before = new Set<string>();
  const stack = sourcesOf(workflow, nodeId);
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (before.has(id)) continue;
    before.add(id);
    stack.push(...sourcesOf(workflow, id));
  }
  return before;
}

/** Progress of one prompt: the state of every node so far, and the throttle for ticks within a node. */
import type { JsonObject } from "../python.ts";

/** A tick is sent only this long after the one before, in milliseconds. */
const MIN_INTERVAL_MS = 100;
/** …and only when at least this share of the whole was done since. */
const MIN_PERCENT = 0.5;

/** The `nodes` member of `progress_state`. */
export class ProgressTable {
  readonly #promptId: string;
  readonly #nodes = new Map<string, { value: number; max: number; state: "running" | "finished" }>();

  constructor(promptId: string) {
    this.#promptId = promptId;
  }

  start(nodeId: string): void {
    this.#nodes.set(nodeId, { value: 0, max: 1, state: "running" });
  }

  update(nodeId: string, value: number, max: number): void {
    this.#nodes.set(nodeId, { value, max, state: "running" });
  }

  finish(nodeId: string): void {
    const max = this.#nodes.get(nodeId)?.max ?? 1;
    this.#nodes.set(nodeId, { value: max, max, state: "finished" });
  }

  /** The data of a `progress_state` message: all nodes that have started. */
  message(): JsonObject {
    const nodes = Object.fromEntries([...this.#nodes].map(([nodeId, state]) => [nodeId, {
      ...state,
      node_id: nodeId,
      prompt_id: this.#promptId,
      display_node_id: nodeId,
      parent_node_id: null,
      real_node_id: nodeId,
    }]));
    return { prompt_id: this.#promptId, nodes };
  }
}

/** Decides which ticks of a progress bar are sent: the first, the last, those with a preview, and not too many others. */
export class ProgressThrottle {
  readonly #total: number;
  readonly #now: () => number;
  #sentValue = -1;
  #sentAtMs = 0;

  /** @param now a monotonic clock in milliseconds */
  constructor(total: number, now: () => number) {
    this.#total = total;
    this.#now = now;
  }

  /** True when the tick goes out, which then counts as sent. */
  admits(value: number, hasPreview: boolean): boolean {
    const at = this.#now();
    const percent = (value - Math.max(0, this.#sentValue)) / this.#total * 100;
    const due = at - this.#sentAtMs >= MIN_INTERVAL_MS && percent >= MIN_PERCENT;
    if (!hasPreview && this.#sentValue >= 0 && value < this.#total && !due) return false;
    this.#sentValue = value;
    this.#sentAtMs = at;
    return true;
  }
}

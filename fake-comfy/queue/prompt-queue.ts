/**
 * Pending, running and finished prompts. Ids are not checked for uniqueness: two prompts with one id both run and the
 * history keeps the later one, and two items that are equal in number and id cannot be ordered.
 */
import { type JsonObject, pyEquals, PyError } from "../python.ts";
import { heapify, heapPop, heapPush } from "./heap.ts";
import { type PromptAges, PromptTimes } from "./prompt-ages.ts";

/** A graph in API format, node id to node. */
export type Graph = JsonObject;

/** One accepted prompt. */
export interface QueueItem {
  /** Lower runs first. */
  readonly number: number;
  readonly promptId: string;
  readonly prompt: Graph;
  readonly extraData: JsonObject;
  readonly outputs: string[];
  /** Keys of `extra_data` that are never shown. */
  readonly sensitive: JsonObject;
}

/** The five visible members, as `/queue` and `/history` show them. */
export type QueueTuple = [number, string, Graph, JsonObject, string[]];

/** What a finished prompt leaves. */
export interface HistoryEntry {
  prompt: QueueTuple;
  outputs: JsonObject;
  status: { status_str: "success" | "error"; completed: boolean; messages: [string, JsonObject][] };
  meta: JsonObject;
}

/** Requests of `POST /free`, consumed by the worker. */
export interface QueueFlags {
  unloadModels: boolean;
  freeMemory: boolean;
}

/** What the queue asks and tells others. */
export interface QueueHooks {
  /** Called whenever the number of remaining prompts may have changed. */
  readonly changed: () => void;
  /** Called before a waiting prompt is taken; what it throws reaches whoever takes. Default: nothing. */
  readonly beforeTake?: () => void;
  /** A monotonic clock in milliseconds. */
  readonly monotonicMs: () => number;
}

/** The oldest entry goes when more than this many are kept. */
const HISTORY_LIMIT = 10_000;

/** The item as the wire shows it. */
export function queueTuple(item: QueueItem): QueueTuple {
  return [item.number, item.promptId, item.prompt, item.extraData, item.outputs];
}

/** The queue between the HTTP handlers and the worker. */
export class PromptQueue {
  readonly #hooks: QueueHooks;
  readonly #times: PromptTimes;
  #pending: QueueItem[] = [];
  readonly #running = new Map<number, QueueItem>();
  #history = new Map<string, HistoryEntry>();
  #flags: QueueFlags = { unloadModels: false, freeMemory: false };
  #counter = 0;
  #wake: (() => void) | null = null;

  constructor(hooks: QueueHooks) {
    this.#hooks = hooks;
    this.#times = new PromptTimes(hooks.monotonicMs);
  }

  /** @throws {PyError} when the item ties with another: the item is in the queue all the same, but wakes nobody. */
  put(item: QueueItem): void {
    this.#times.taken(item.promptId);
    heapPush(this.#pending, item, runsBefore);
    this.#hooks.changed();
    this.#wake?.();
  }

  /**
   * Waits for something to do. Returns null when only flags were set.
   * @throws {PyError} when two items tie; whoever waits here is expected to die of it, as ComfyUI's worker does
   */
  async take(): Promise<{ item: QueueItem; ticket: number } | null> {
    if (this.#pending.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (this.#pending.length > 0) this.#hooks.beforeTake?.();
    const item = heapPop(this.#pending, runsBefore);
    if (item === undefined) return null;
    const ticket = this.#counter++;
    this.#running.set(ticket, item);
    this.#times.begun(item.promptId);
    this.#hooks.changed();
    return { item, ticket };
  }

  /** Moves a running prompt into the history in one step. */
  done(ticket: number, entry: HistoryEntry): void {
    const item = this.#running.get(ticket);
    this.#running.delete(ticket);
    if (item === undefined) return;
    if (this.#history.size > HISTORY_LIMIT) {
      const oldest = this.#history.keys().next();
      if (!oldest.done) this.#history.delete(oldest.value);
    }
    this.#history.set(item.promptId, entry);
    this.#times.ended(item.promptId);
    this.#hooks.changed();
  }

  remaining(): number {
    return this.#pending.length + this.#running.size;
  }

  running(): QueueItem[] {
    return [...this.#running.values()];
  }

  /** In heap order, not sorted. */
  pending(): QueueItem[] {
    return [...this.#pending];
  }

  isRunning(promptId: string): boolean {
    return this.running().some((item) => item.promptId === promptId);
  }

  clear(): void {
    this.#pending = [];
    this.#hooks.changed();
  }

  /** Removes the first pending item with this id. */
  remove(promptId: unknown): boolean {
    const index = this.#pending.findIndex((item) => item.promptId === promptId);
    if (index < 0) return false;
    if (this.#pending.length === 1) {
      this.clear();
    } else {
      this.#pending.splice(index, 1);
      heapify(this.#pending, runsBefore);
    }
    this.#hooks.changed();
    return true;
  }

  agesOf(promptId: string): PromptAges | null {
    return this.#times.agesOf(promptId);
  }

  historyOf(promptId: string): HistoryEntry | undefined {
    return this.#history.get(promptId);
  }

  /** Oldest first. A negative offset together with `maxItems` means the last `maxItems`. */
  history(
    page: { maxItems: number | null; offset: number } = { maxItems: null, offset: -1 },
  ): [string, HistoryEntry][] {
    const { maxItems } = page;
    const from = page.offset < 0 && maxItems !== null ? this.#history.size - maxItems : page.offset;
    const out: [string, HistoryEntry][] = [];
    let index = 0;
    for (const entry of this.#history) {
      if (index++ < from) continue;
      out.push(entry);
      if (maxItems !== null && out.length >= maxItems) break;
    }
    return out;
  }

  clearHistory(): void {
    this.#history = new Map();
  }

  removeHistory(promptId: string): void {
    this.#history.delete(promptId);
  }

  setFlag(name: keyof QueueFlags): void {
    this.#flags[name] = true;
    this.#wake?.();
  }

  /** Returns the flags and clears them. */
  takeFlags(): QueueFlags {
    const flags = this.#flags;
    this.#flags = { unloadModels: false, freeMemory: false };
    return flags;
  }
}

/** Order of Python's tuples: number, then id, then the graphs, which cannot be ordered unless they are equal. */
function runsBefore(left: QueueItem, right: QueueItem): boolean {
  if (left.number !== right.number) return left.number < right.number;
  if (left.promptId !== right.promptId) return left.promptId < right.promptId;
  if (pyEquals(left.prompt, right.prompt) && pyEquals(left.extraData, right.extraData)) return false;
  throw new PyError("TypeError", "'<' not supported between instances of 'dict' and 'dict'");
}

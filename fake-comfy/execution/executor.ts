/** Executes prompts one after the other over one cache, sending the messages a client sees on the way. */
import { freemem } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type JsonObject, PyError } from "../python.ts";
import type { HistoryEntry, QueueItem } from "../queue/prompt-queue.ts";
import { type CacheEntry, OutputCache } from "./cache.ts";
import type { Environment } from "./environment.ts";
import { classTypeOf, inputsOf } from "./links.ts";
import { type NodeEnd, runNode } from "./node-run.ts";
import { ExecutionOrder } from "./order.ts";
import { PromptRun } from "./prompt-run.ts";
import { nodeSignature } from "./signature.ts";

const TAG_LETTERS = "abcdefghijklmnopqrstupvxyz";
const TAG_LENGTH = 5;

/** What a prompt leaves for the history, apart from the prompt itself. */
export type Outcome = Omit<HistoryEntry, "prompt">;

/** Runs prompts; keeps outputs between them. */
export class Executor {
  readonly #environment: Environment;
  readonly #cache: OutputCache;
  /** Random letters by node id and class, kept while the node is part of consecutive prompts. */
  #tags = new Map<string, string>();

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#cache = new OutputCache(environment.options.cache);
  }

  /** Forgets all cached outputs (`/free` with `free_memory`). */
  reset(): void {
    this.#cache.clear();
    this.#tags.clear();
  }

  async execute(item: QueueItem): Promise<Outcome> {
    const { interrupt, focus, faults } = this.#environment;
    interrupt.clear();
    const run = new PromptRun(item, this.#environment);
    focus.clientId = run.clientId;
    run.record("execution_start", { prompt_id: run.promptId });
    if (faults.any) await faults.runStarts();
    const signatures = await this.#signatures(run);
    this.#cache.beginPrompt(new Set(signatures.values()));
    const cached = [...signatures].filter(([, signature]) => this.#cache.get(signature) !== undefined);
    run.record("execution_cached", { nodes: cached.map(([nodeId]) => nodeId), prompt_id: run.promptId });
    const success = await this.#runNodes(run, item.outputs, signatures);
    if (success) run.record("execution_success", { prompt_id: run.promptId });
    focus.lastNodeId = null;
    return outcomeOf(run, success);
  }

  async #runNodes(
    run: PromptRun,
    outputs: readonly string[],
    signatures: ReadonlyMap<string, string>,
  ): Promise<boolean> {
    const entryOf = (nodeId: string): CacheEntry | undefined =>
      run.results.get(nodeId) ?? this.#cache.get(signatures.get(nodeId) ?? "");
    const order = new ExecutionOrder({
      graph: run.graph,
      isCached: (nodeId) => this.#cache.get(signatures.get(nodeId) ?? "") !== undefined,
      isOutput: (nodeId) => this.#classOf(run, nodeId).isOutputNode,
    });
    for (const nodeId of outputs) order.add(nodeId);
    for (let nodeId = order.next(); nodeId !== null; nodeId = order.next()) {
      const signature = signatures.get(nodeId) ?? "";
      const held = this.#cache.get(signature);
      if (held !== undefined) {
        if (held.ui !== null) this.#environment.faults.cachedShown(held.ui.output);
        run.show(nodeId, held.ui);
        run.results.set(nodeId, held);
      } else {
        const end = await runNode(this.#environment, run, {
          nodeId,
          nodeClass: this.#classOf(run, nodeId),
          instanceTag: () => this.#tagOf(run, nodeId),
          entryOf,
        });
        if (end.kind !== "done") {
          this.#recordEnd(run, nodeId, end);
          return false;
        }
        if (end.entry.ui !== null) run.show(nodeId, end.entry.ui);
        run.results.set(nodeId, end.entry);
        this.#cache.set(signature, end.entry);
        run.executed.push(nodeId);
      }
      run.progress.finish(nodeId);
      run.sendProgressState();
      order.complete(nodeId);
      this.#cache.relieve(freemem());
      // Other work (requests, a cancel) gets its turn between nodes, as it would beside a worker thread.
      await nextTurn();
    }
    return true;
  }

  #recordEnd(run: PromptRun, nodeId: string, end: Exclude<NodeEnd, { kind: "done" }>): void {
    const base = {
      prompt_id: run.promptId,
      node_id: nodeId,
      node_type: classTypeOf(run.graph, nodeId),
      executed: [...run.executed],
    };
    if (end.kind === "interrupted") {
      this.#environment.log.info("Processing interrupted");
      run.record("execution_interrupted", base, true);
    } else {
      const { exception_type: type, exception_message: message } = end.report;
      this.#environment.log.error(`!!! Exception during processing !!! ${String(message)}`);
      const where = `File "fake-comfy", in ${base.node_type}`;
      this.#environment.log.error(
        `Traceback (most recent call last):\n  ${where}\n${String(type)}: ${String(message)}`,
      );
      run.record("execution_error", { ...base, ...end.report, current_outputs: Object.keys(run.graph) });
    }
  }

  /** Keys of all nodes. A fingerprint that fails makes its node unlike any other, so that it runs. */
  async #signatures(run: PromptRun): Promise<Map<string, string>> {
    const fingerprints = new Map<string, string>();
    for (const nodeId of Object.keys(run.graph)) {
      const { fingerprint } = this.#classOf(run, nodeId);
      if (fingerprint === undefined) continue;
      const inputs = inputsOf(run.graph, nodeId);
      try {
        fingerprints.set(nodeId, await fingerprint(inputs, this.#environment.options.directories));
      } catch (error) {
        this.#environment.log.warning(`WARNING: ${error instanceof Error ? error.message : String(error)}`);
        fingerprints.set(nodeId, `unknown ${run.promptId} ${nodeId}`);
      }
    }
    this.#forgetTags(run);
    const ids = Object.keys(run.graph);
    return new Map(ids.map((nodeId) => [nodeId, nodeSignature(run.graph, nodeId, fingerprints)]));
  }

  #classOf(run: PromptRun, nodeId: string) {
    const name = classTypeOf(run.graph, nodeId);
    const found = this.#environment.classes.get(name);
    if (found === undefined) throw new PyError("KeyError", `'${name}'`);
    return found;
  }

  #tagOf(run: PromptRun, nodeId: string): string {
    const key = `${nodeId} ${classTypeOf(run.graph, nodeId)}`;
    const tag = this.#tags.get(key) ?? randomTag();
    this.#tags.set(key, tag);
    return tag;
  }

  #forgetTags(run: PromptRun): void {
    const keys = new Set(Object.keys(run.graph).map((nodeId) => `${nodeId} ${classTypeOf(run.graph, nodeId)}`));
    this.#tags = new Map([...this.#tags].filter(([key]) => keys.has(key)));
  }
}

function randomTag(): string {
  return Array.from({ length: TAG_LENGTH }, () => TAG_LETTERS[Math.floor(Math.random() * TAG_LETTERS.length)]).join("");
}

function outcomeOf(run: PromptRun, success: boolean): Outcome {
  const outputs: JsonObject = {};
  const meta: JsonObject = {};
  for (const [nodeId, ui] of run.shown) {
    outputs[nodeId] = ui.output;
    meta[nodeId] = ui.meta;
  }
  const status_str = success ? "success" : "error";
  return { outputs, meta, status: { status_str, completed: success, messages: run.messages } };
}

/** The state of one prompt while it runs, and the messages about it. */
import { isJsonObject, type Json, type JsonObject } from "../python.ts";
import type { Graph, QueueItem } from "../queue/prompt-queue.ts";
import type { CacheEntry } from "./cache.ts";
import type { Environment } from "./environment.ts";
import { ProgressTable } from "./progress.ts";

/** One run of one prompt. */
export class PromptRun {
  readonly promptId: string;
  readonly graph: Graph;
  readonly extraData: JsonObject;
  readonly clientId: string | null;
  readonly progress: ProgressTable;
  /** Messages of the history entry. */
  readonly messages: [string, JsonObject][] = [];
  /** Nodes that really ran. */
  readonly executed: string[] = [];
  /** What was shown, by node. */
  readonly shown = new Map<string, NonNullable<CacheEntry["ui"]>>();
  /** Outputs of this run, also those that the cache does not keep. */
  readonly results = new Map<string, CacheEntry>();
  readonly #environment: Environment;

  constructor(item: QueueItem, environment: Environment) {
    this.promptId = item.promptId;
    this.graph = item.prompt;
    this.extraData = { ...item.extraData, ...item.sensitive };
    this.clientId = clientIdOf(this.extraData["client_id"] ?? null);
    this.progress = new ProgressTable(item.promptId);
    this.#environment = environment;
  }

  /** Keeps a message for the history and tells the client; without a client only if it is for everybody. */
  record(event: string, data: JsonObject, forEverybody = false): void {
    const message = { ...data, timestamp: this.#environment.nowMs() };
    this.messages.push([event, message]);
    if (this.clientId !== null || forEverybody) this.#environment.hub.send(event, message, this.clientId);
  }

  /** Tells the client alone; nobody when there is none. */
  tell(event: string, data: JsonObject): void {
    if (this.clientId !== null) this.#environment.hub.send(event, data, this.clientId);
  }

  /** Tells the client, or everybody when there is none. */
  tellOrBroadcast(event: string, data: JsonObject): void {
    this.#environment.hub.send(event, data, this.clientId);
  }

  sendProgressState(): void {
    this.tellOrBroadcast("progress_state", this.progress.message());
  }

  /** Keeps what a node shows and tells the client; also used for what the cache held. */
  show(nodeId: string, ui: CacheEntry["ui"]): void {
    if (ui !== null) this.shown.set(nodeId, ui);
    this.tell("executed", {
      node: nodeId,
      display_node: nodeId,
      output: ui?.output ?? null,
      prompt_id: this.promptId,
    });
  }

  /** False when the prompt asked for no previews. */
  get wantsPreviews(): boolean {
    return this.extraData["preview_method"] !== "none";
  }

  get extraPngInfo(): Json {
    const info = this.extraData["extra_pnginfo"] ?? null;
    return isJsonObject(info) ? info : null;
  }
}

/** Any value but null counts as a client; only text can ever be connected. */
function clientIdOf(value: Json): string | null {
  return value === null || typeof value === "string" ? value : JSON.stringify(value);
}

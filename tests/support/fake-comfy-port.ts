// A ComfyUI behind the agent's port that does exactly what a test tells it.
import type { LogFeed } from "../../agent/comfy/log/log-feed.ts";
import type {
  Comfy,
  ComfyApi,
  ComfyFolders,
  ComfyMessage,
  ComfyStatus,
  PromptLookup,
  PromptSubmission,
} from "../../agent/comfy/port.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { Workflow } from "../../contracts/workflow.ts";

export function comfyUnavailable(): FleetError {
  return new FleetError("comfy_unavailable", "Cannot reach ComfyUI: the test said so");
}

export class FakeComfyPort implements Comfy {
  status: ComfyStatus = {
    state: "stopped",
    sinceMs: 0,
    reason: "NotStarted",
    message: "ComfyUI was not started yet.",
    generation: null,
    evicting: [],
    recycling: null,
    version: "0.33.0",
    devices: [],
    objectInfoSha256: null,
  };
  ownsProcess = true;
  log: LogFeed | null = null;
  freed = 0;
  folders: ComfyFolders | null = null;
  /** Of generations whose folders are others than `folders`. */
  readonly foldersByGeneration = new Map<string, ComfyFolders>();
  /** What the next lookups answer, by prompt id; `unknown` for others. */
  readonly lookups = new Map<string, PromptLookup>();
  readonly submitted: {
    promptId: string;
    workflow: Workflow;
    traceparent: string | null;
    partnerKey: string | null;
  }[] = [];
  readonly uploaded: { name: string; subfolder: string; text: string }[] = [];
  readonly canceled: string[] = [];
  readonly forgotten: string[] = [];
  readonly restarts: string[] = [];
  droppedCaches = 0;
  lookupCount = 0;
  /** How often the socket was opened anew, and what ComfyUI says then. */
  reopened = 0;
  onReopen: () => void = () => undefined;
  /** Whether a submitted prompt is `running` afterwards. */
  submission: () => PromptSubmission | Promise<PromptSubmission> = () => ({ status: "accepted" });
  onCancel: (promptId: string) => void = () => undefined;
  /** Ids of the output nodes that ComfyUI says it kept: without a word of a test, every node's. */
  planned: () => ReadonlySet<string> | null = () => new Set(Object.keys(this.submitted.at(-1)?.workflow ?? {}));
  reachable = true;
  readonly #statusListeners = new Set<(status: ComfyStatus) => void>();
  readonly #messageListeners = new Set<(message: ComfyMessage) => void>();

  readonly api: ComfyApi = {
    submit: async ({ promptId, workflow, traceparent = null, partnerKey = null }) => {
      this.submitted.push({ promptId, workflow, traceparent, partnerKey });
      const submission = await this.submission();
      if (submission.status !== "refused") this.lookups.set(promptId, { status: "running" });
      return submission;
    },
    lookup: (promptId) => {
      this.lookupCount += 1;
      if (!this.reachable) return Promise.reject(comfyUnavailable());
      return Promise.resolve(this.lookups.get(promptId) ?? { status: "unknown" });
    },
    plannedOutputs: () => (this.reachable ? Promise.resolve(this.planned()) : Promise.reject(comfyUnavailable())),
    free: ({ models }) => {
      if (!this.reachable) return Promise.reject(comfyUnavailable());
      if (models) this.freed += 1;
      else this.droppedCaches += 1;
      return Promise.resolve();
    },
    cancel: (promptId) => {
      this.canceled.push(promptId);
      this.onCancel(promptId);
      return Promise.resolve();
    },
    forget: (promptIds) => {
      this.forgotten.push(...promptIds);
      return Promise.resolve();
    },
    view: (file) => Promise.resolve(new Response(`bytes of ${file.filename}`)),
    upload: async ({ name, subfolder, body }) => {
      this.uploaded.push({ name, subfolder, text: await body.text() });
      return `${subfolder}/${name}`;
    },
  };

  /** A ready process with this generation id. */
  ready(id = "generation-1"): void {
    const generation = { id, clientId: `client of ${id}`, startedAtMs: 0, adopted: false };
    this.change({ state: "ready", reason: "Ready", message: "ComfyUI is ready.", generation });
  }

  /** The process is gone. */
  die(): void {
    this.change({ state: "backoff", reason: "Crashed", message: "ComfyUI ended with code 137.", generation: null });
  }

  change(change: Partial<ComfyStatus>): void {
    this.status = { ...this.status, ...change };
    for (const listener of this.#statusListeners) listener(this.status);
  }

  say(message: ComfyMessage): void {
    for (const listener of this.#messageListeners) listener(message);
  }

  /** The end of a prompt, as a lookup and as a socket message. */
  finish(promptId: string, lookup: PromptLookup): void {
    this.lookups.set(promptId, lookup);
    this.say({ type: "finished", promptId });
  }

  foldersOf(generationId: string): ComfyFolders | null {
    return this.foldersByGeneration.get(generationId) ?? this.folders;
  }

  objectInfo(): null {
    return null;
  }

  onStatus(listener: (status: ComfyStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  onMessage(listener: (message: ComfyMessage) => void): () => void {
    this.#messageListeners.add(listener);
    return () => this.#messageListeners.delete(listener);
  }

  reopenSocket(): void {
    this.reopened += 1;
    this.onReopen();
  }

  restart(reason: string): void {
    this.restarts.push(reason);
  }

  evict(promptId: string, { reason }: { reason: string }): void {
    if (this.ownsProcess) this.restart(reason);
    else this.change({ evicting: [...this.status.evicting, promptId] });
  }

  start(): void {
    this.ready();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

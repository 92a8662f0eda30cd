/**
 * What the rest of the agent may know of ComfyUI: its state, its events, and the few acts an attempt needs.
 * Everything ComfyUI-specific on the wire stays behind this port (`supervised/` and `attached/` implement it).
 */
import type { JobError } from "../../contracts/job.ts";
import type { EndCause } from "./end-cause.ts";
import type { EndReason, StatusReason } from "./reasons.ts";
import type { LogFeed } from "./log/log-feed.ts";
import type { Workflow } from "../../contracts/workflow.ts";

/**
 * Life of the ComfyUI process as the agent sees it; `state.ts` holds the transition table.
 * `stopped → starting → ready → stopping → stopped`, with `backoff` between a death and the next start.
 * Supervised, `backoff` has no generation: its process is ended. Attached, it keeps one that only does not answer.
 */
export type ComfyState = "stopped" | "starting" | "ready" | "stopping" | "backoff";

/** One spawn of ComfyUI. Attempts are bound to it: when it is gone, what ran in it is lost. */
export interface Generation {
  /** UUID, minted at spawn; the attached mode mints one for each process it recognises. */
  id: string;
  /** WebSocket client id of this generation: kept over agent restarts, so that events of running prompts still arrive. */
  clientId: string;
  startedAtMs: number;
  /** True when this agent found it running instead of starting it. */
  adopted: boolean;
}

export interface ComfyStatus {
  state: ComfyState;
  sinceMs: number;
  /** Why it is in this state, CamelCase for machines; e.g. `Crashed`, `StartDeadlineExceeded`, `PortInUse`. */
  reason: StatusReason;
  /** The same for people, with the last lines of its log where that helps. */
  message: string;
  generation: Generation | null;
  /** Prompts that were given up and that it may still run: it takes no other before they are gone. See {@link Comfy.evict}. */
  evicting: readonly string[];
  /** Why it takes no more prompts and is started anew as soon as it is idle; null when it is not. */
  recycling: EndCause | null;
  /** ComfyUI's version and devices from `/system_stats`, kept over restarts; null until it was ready once. */
  version: string | null;
  devices: { name: string; type: string; vramTotalBytes: number | null }[];
  /** Hash of the `/object_info` body; the body itself is `objectInfo()`. */
  objectInfoSha256: string | null;
}

/** Folders of this ComfyUI on our disk; null in attached mode when its directory is not named. */
export interface ComfyFolders {
  input: string;
  output: string;
  temp: string;
}

/** A file that a node reported, as ComfyUI names it. */
export interface ComfyFile {
  nodeId: string;
  filename: string;
  subfolder: string;
  type: "output" | "temp" | "input";
}

/** A text that a node reported (PreviewAny, SaveText). */
export interface ComfyText {
  nodeId: string;
  text: string;
}

/** What ComfyUI knows of one prompt. `unknown`: never seen, deleted, or the process is another one. */
export type PromptLookup =
  | { status: "unknown" | "pending" | "running" }
  | { status: "interrupted" }
  | { status: "failed"; error: JobError }
  | { status: "succeeded"; files: ComfyFile[]; texts: ComfyText[]; cachedNodes: string[] };

/** `taken_in_part`: ComfyUI found some outputs wrong and runs the others, which nobody asked for: it is to be canceled. */
export type PromptSubmission = { status: "accepted" } | { status: "refused" | "taken_in_part"; error: JobError };

/** ComfyUI's WebSocket messages, parsed; unknown types never arrive. */
export type ComfyMessage =
  | { type: "started" | "finished" | "interrupted"; promptId: string }
  | { type: "cached"; promptId: string; nodes: string[] }
  | { type: "executing"; promptId: string; nodeId: string }
  | { type: "step"; promptId: string; nodeId: string; step: number; steps: number }
  /** `made`: what the node reported, under its own id, which in an expanded graph is not `nodeId`. */
  | { type: "executed"; promptId: string; nodeId: string; made?: { files: ComfyFile[]; texts: ComfyText[] } }
  | { type: "failed"; promptId: string; error: JobError }
  | {
    type: "preview";
    promptId: string | null;
    nodeId: string | null;
    contentType: "image/jpeg" | "image/png";
    bytes: Uint8Array;
  };

/** The acts an attempt needs. Every call has a deadline of its own and rejects with FleetError `comfy_unavailable`. */
export interface ComfyApi {
  /**
   * POST /prompt with our id, once. When it rejects, ComfyUI may have the prompt, or get it yet: the id is looked up for a
   * while before it is sent again. @param prompt.traceparent kept with the prompt, where nodes can read it
   * @param prompt.partnerKey told to the nodes that ask for it, and shown nowhere
   */
  submit(
    prompt: {
      promptId: string;
      workflow: Workflow;
      previews: boolean;
      traceparent?: string | null;
      partnerKey?: string | null;
    },
    signal: AbortSignal,
  ): Promise<PromptSubmission>;
  lookup(promptId: string, signal: AbortSignal): Promise<PromptLookup>;
  /** Ids of the output nodes that ComfyUI has kept of a prompt that it knows; null when it does not say. */
  plannedOutputs(promptId: string, signal: AbortSignal): Promise<ReadonlySet<string> | null>;
  /** Dequeues or interrupts exactly this prompt. May be lost by ComfyUI: repeat until the lookup is final. */
  cancel(promptId: string, signal: AbortSignal): Promise<void>;
  /** Forgets finished prompts, to bound ComfyUI's memory. */
  forget(promptIds: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Makes it forget what its nodes have made, so that the next prompt runs them all, and with `models` its loaded models
   * too. It does so after the prompt that runs, and does not say when.
   */
  free(what: { models: boolean }, signal: AbortSignal): Promise<void>;
  /** Reads an output over `/view`, for the attached mode without folders. */
  view(file: ComfyFile, signal: AbortSignal): Promise<Response>;
  /** Puts an input over `/upload/image`, for the attached mode without folders; returns the name to use in the graph. */
  upload(file: { name: string; subfolder: string; body: Blob }, signal: AbortSignal): Promise<string>;
}

export interface Comfy {
  /** What it prints; null in attached mode. */
  readonly log: LogFeed | null;
  /** Whether the agent has started it and may end it; false in attached mode. */
  readonly ownsProcess: boolean;
  readonly status: ComfyStatus;
  readonly folders: ComfyFolders | null;
  /** The same as that generation has or had them: one that the agent started has a `temp` of its own. */
  foldersOf(generationId: string): ComfyFolders | null;
  readonly api: ComfyApi;
  /**
   * The `/object_info` body of the last generation that became ready, with the hash that `status` has; null until the
   * first. A restart keeps it, so that the pod's capability does not flicker.
   */
  objectInfo(): { sha256: string; body: string } | null;
  /** Called after every change of `status`; returns the unsubscribe function. */
  onStatus(listener: (status: ComfyStatus) => void): () => void;
  /** Called for every message; must not block. Gaps are normal: the lookup is the truth. */
  onMessage(listener: (message: ComfyMessage) => void): () => void;
  /** For a socket that is open and hears nothing: opens it anew, after which ComfyUI repeats which node runs. */
  reopenSocket(reason: string): void;
  /** Ends this generation and starts another; in attached mode it only records the reason. */
  restart(reason: EndReason, message: string): void;
  /**
   * Makes ComfyUI free of a prompt that does not end, or that may not have ended when nobody looked. A process of ours is
   * started anew; one of somebody else's is told to cancel it until its queue no longer holds it.
   */
  evict(promptId: string, cause: EndCause): void;
  /** Adopts or starts ComfyUI and keeps it running until `stop`. */
  start(): void;
  /** SIGINT, then SIGKILL of the group; resolves when the process is gone. Attached: only disconnects. */
  stop(): Promise<void>;
}

/** How the rest of the edge reaches pods. No pod address exists outside the transport's adapters. */
import type { GpuState } from "../../contracts/agent/gpu.ts";
import type { PodEvent } from "../../contracts/agent/messages.ts";
import type { AttemptEvent } from "../../contracts/attempt.ts";
import type { AttemptId, BootId, JobId, PodId } from "../../contracts/ids.ts";
import { PARTNER_KEY_PROTOCOL } from "../../contracts/partner-key.ts";
import type { PodRow } from "../store/pod-store.ts";
import type { AgentClient } from "./agent-client.ts";

/** As `fetch` takes it. A body that is at hand is given as text or bytes: as a stream it would cost a round of copies. */
export interface AgentRequest extends Omit<RequestInit, "headers"> {
  /** By their names in lower case. */
  headers?: Readonly<Record<string, string>>;
  /** Needed with a body that is a stream. */
  duplex?: "half";
}

/** The part of a `Response` that is used: making a whole one of bytes that are here costs more than reading them. */
export type AgentResponse = Pick<
  Response,
  "ok" | "status" | "statusText" | "headers" | "body" | "text" | "json" | "arrayBuffer"
>;

/** How a runtime calls an agent: the part of `fetch` that a transport uses. */
export type AgentFetch = (url: URL, init?: AgentRequest) => Promise<AgentResponse>;

/**
 * The one way to an agent. Adds the transport's own authentication. Rejects with FleetError `agent_unreachable`; an HTTP
 * error status is an answer, not a rejection.
 */
export interface AgentTransport {
  /** @param path with its query, from the root of the agent's own origin */
  fetch(podId: PodId, path: string, init?: AgentRequest): Promise<AgentResponse>;
}

/** Typed access to agents over the transport. */
export interface Agents {
  client(podId: PodId): AgentClient;
  /** Raw HTTP on the agent, e.g. `outputPath(…)`. */
  fetch(podId: PodId, path: string, init?: AgentRequest): Promise<AgentResponse>;
  /** Live events of one attempt; ends after its final report, rejects when the pod cannot be reached. */
  watchAttempt(
    target: { podId: PodId; attemptId: AttemptId; previews: boolean },
    signal: AbortSignal,
  ): AsyncIterable<AttemptEvent>;
  /** Live changes of one pod, a snapshot first; ends or rejects at the first cut, so that its reader re-opens it. */
  watchPod(podId: PodId, signal: AbortSignal): AsyncIterable<PodEvent>;
}

/** The agent's verdict about its GPUs, as far as work depends on it. */
export interface PodGpu {
  /** `unknown` also for an agent that does not say. */
  state: GpuState;
  /** The worst reason, in the agent's words; null without one. */
  why: string | null;
}

/** An attempt that its pod has and that waits there for the slot of another. */
export interface LookAhead {
  attemptId: AttemptId;
  jobId: JobId;
}

/** What the planner may count on: pods whose session this edge holds, as the last beat or event said. */
export interface LivePod {
  id: PodId;
  name: string;
  bootId: BootId;
  epoch: number;
  /** The version of the protocol that it and this edge speak. */
  protocol: number;
  /** For development only: never given work. */
  dev: boolean;
  /** Answering, protocol-compatible and not draining: may be given work now. */
  accepting: boolean;
  /** Slots that would take a start now, offers under way subtracted. */
  freeSlots: number;
  /** Attempts that have a slot and nobody waiting for it: each may be given one look-ahead, see `StartAttempt.after`. */
  mayFollow: AttemptId[];
  ahead: LookAhead[];
  objectInfoSha256: string | null;
  gpu: PodGpu;
}

export function takesPartnerKeys({ protocol }: Pick<LivePod, "protocol">): boolean {
  return protocol >= PARTNER_KEY_PROTOCOL;
}

export interface PodSessions {
  live(): LivePod[];
  /** A hint that the pod may have stopped answering, or that something waits for its next beat: beat now. */
  nudge(podId: PodId): void;
  /** Begins a session with a pod that has come; nothing for one that has one, unless it is for other work now (`dev`). */
  add(row: PodRow): void;
  /**
   * Ends the session with a pod that is no more: it is `gone` at once, and its jobs are queued again. False: another edge
   * holds it. @throws what the store throws; then it may be repeated
   */
  remove(podId: PodId): Promise<boolean>;
  start(): void;
  stop(): Promise<void>;
}

// Agents whose attempt streams a test writes event by event.
import type { AttemptEvent, AttemptReport, AttemptState } from "../../../../contracts/attempt.ts";
import type { AttemptId } from "../../../../contracts/ids.ts";
import type { Progress } from "../../../../contracts/progress.ts";
import type { Agents } from "../../../../proxy/pods/port.ts";
import { jobId } from "./ids.ts";

export interface Stream {
  attemptId: AttemptId;
  previews: boolean;
  open: boolean;
  send(event: AttemptEvent): void;
  /** Ends the stream, with an error as a lost pod would. */
  cut(error?: Error): void;
}

export interface ScriptedAgents extends Pick<Agents, "watchAttempt"> {
  /** Every stream that was ever opened. */
  streams: Stream[];
  /** Streams that are open now. */
  open(): Stream[];
  unreachable: boolean;
}

export function scriptedAgents(): ScriptedAgents {
  const agents: ScriptedAgents = {
    streams: [],
    unreachable: false,
    open: () => agents.streams.filter((stream) => stream.open),
    async *watchAttempt({ attemptId, previews }, signal) {
      const pending: AttemptEvent[] = [];
      let failure: Error | null = null;
      let wake = () => undefined as void;
      const stream: Stream = {
        attemptId,
        previews,
        open: !agents.unreachable,
        send(event) {
          pending.push(event);
          wake();
        },
        cut(error) {
          stream.open = false;
          failure = error ?? null;
          wake();
        },
      };
      agents.streams.push(stream);
      signal.addEventListener("abort", () => stream.cut(), { once: true });
      if (agents.unreachable) throw new Error("the pod cannot be reached");
      try {
        while (stream.open || pending.length > 0) {
          const next = pending.shift();
          if (next) yield next;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
        if (failure) throw failure;
      } finally {
        stream.open = false;
      }
    },
  };
  return agents;
}

export function progressOf(value: number): Progress {
  return {
    value,
    nodesDone: 0,
    nodesTotal: 3,
    currentNode: "1",
    currentNodeClass: "KSampler",
    step: null,
    steps: null,
  };
}

export function progressEvent(value: number): AttemptEvent {
  return { type: "progress", progress: progressOf(value) };
}

export const previewEvent: AttemptEvent = {
  type: "preview",
  nodeId: "1",
  contentType: "image/jpeg",
  dataBase64: "/9j/",
};

export function reportEvent(state: AttemptState, value: number | null): AttemptEvent {
  const report: AttemptReport = {
    attemptId: "att_00000000000000000000000001",
    jobId: jobId(1),
    no: 1,
    state,
    rev: 1,
    cancelRequested: false,
    acceptedAt: new Date(0).toISOString(),
    startedAt: null,
    executedAt: null,
    finishedAt: null,
    progress: value === null ? null : progressOf(value),
    outputs: [],
    cached: false,
    error: null,
  };
  return { type: "report", report };
}

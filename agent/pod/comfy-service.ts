/** The pod's ComfyUI as operators ask for it: `comfy.*` of the agent's contract. */
import {
  type ComfyReport,
  type FollowLog,
  type FreeResult,
  type LogEvent,
  type LogLine,
  type LogPage,
  MAX_LOG_LINES,
  type RestartComfy,
  type RestartResult,
} from "../../contracts/agent/comfy.ts";
import type { ComfyPort } from "../../contracts/agent/ports.ts";
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { PodCapability } from "../../contracts/pod.ts";
import type { Tracked } from "../../contracts/trpc.ts";
import type { FeedItem, FeedLine, LogFeed } from "../comfy/log/log-feed.ts";
import type { Comfy } from "../comfy/port.ts";
import { takesPrompts } from "../comfy/state.ts";

type Held = Pick<AttemptReport, "attemptId" | "state">;

export interface ComfyServiceDeps {
  comfy: Comfy;
  attempts: { reports(): Held[] };
  mode: PodCapability["comfyMode"];
  /** Epoch ms. */
  now: () => number;
}

const EVENT_ID = /^(.+)\.(\d{1,15})$/;

export class ComfyService implements ComfyPort {
  readonly #deps: ComfyServiceDeps;
  readonly #stopping = new AbortController();

  constructor(deps: ComfyServiceDeps) {
    this.#deps = deps;
  }

  status(): Promise<ComfyReport> {
    const { comfy, mode, now } = this.#deps;
    const { status } = comfy;
    const { state, reason, message, generation, version, devices } = status;
    return Promise.resolve({
      mode,
      state,
      since: toTimestamp(status.sinceMs),
      reason,
      message,
      takesJobs: takesPrompts(status),
      version,
      devices,
      generation: generation && {
        id: generation.id,
        startedAt: toTimestamp(generation.startedAtMs),
        adopted: generation.adopted,
      },
      attempts: this.#held().map(({ attemptId, state: attempt }) => ({ attemptId, state: attempt })),
      now: toTimestamp(now()),
    });
  }

  /** Check and act in one turn: no attempt can start in between. */
  restart({ reason, running }: RestartComfy): Promise<RestartResult> {
    return Promise.resolve().then(() => {
      const { comfy } = this.#deps;
      const { state, generation } = comfy.status;
      if (!comfy.ownsProcess) throw notOurs("restart ComfyUI", "Restart it where it was started: the agent notices.");
      if (state === "stopped" || state === "stopping") throw agentStopping();
      const attempts = this.#held().map(({ attemptId, state: attempt }) => ({
        attemptId,
        fate: attempt === "collecting" ? "kept" as const : "lost" as const,
      }));
      if (generation === null) {
        const message = "ComfyUI is being started anew already; nothing was ended.";
        return { status: "under_way" as const, endedGeneration: null, attempts, message };
      }
      const lost = attempts.filter(({ fate }) => fate === "lost").length;
      if (lost > 0 && running === "refuse") throw atWork(attempts);
      comfy.restart("OperatorRestart", `An operator asked for it${reason === "" ? "" : `: ${reason}`}.`);
      const jobs = lost === 0 ? "No run is lost." : `Runs lost: ${lost}; the edge queues their jobs again.`;
      const message = `ComfyUI is ended and started anew. ${jobs}`;
      return { status: "restarting" as const, endedGeneration: generation.id, attempts, message };
    });
  }

  async free(): Promise<FreeResult> {
    await this.#deps.comfy.api.free({ models: true }, this.#stopping.signal);
    const runs = this.#held().some(({ state }) => state === "running");
    return runs
      ? { status: "after_running", message: "ComfyUI unloads models and caches once the run that is on has ended." }
      : { status: "asked", message: "ComfyUI was asked to unload models and caches." };
  }

  logs(lines: number): Promise<LogPage> {
    return Promise.resolve().then(() => {
      const log = this.#log();
      return { logId: log.id, lines: log.last(lines).map(toLogLine) };
    });
  }

  async *followLogs({ lines, lastEventId }: FollowLog, signal: AbortSignal): AsyncIterable<Tracked<LogEvent>> {
    const log = this.#log();
    const [, logId, through] = EVENT_ID.exec(lastEventId ?? "") ?? [];
    const resumed = lastEventId === null || lastEventId === undefined ? null : logId === log.id;
    // Line numbers of an earlier agent mean nothing here: what this one has comes from its beginning.
    if (resumed === false) yield { id: `${log.id}.0`, data: { type: "gap", missed: null } };
    const back = resumed === null ? lines : MAX_LOG_LINES;
    const oldest = log.last(back)[0]?.number ?? log.next;
    const first = resumed ? Math.min(Number(through) + 1, log.next) : oldest;
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    for await (const item of log.follow(first, until)) {
      yield { id: `${log.id}.${item.through}`, data: toEvent(item) };
    }
  }

  /** Ends every stream. */
  stop(): void {
    this.#stopping.abort();
  }

  #held(): Held[] {
    return this.#deps.attempts.reports().filter(({ state }) => !isAttemptFinal(state));
  }

  #log(): LogFeed {
    const { log } = this.#deps.comfy;
    if (log) return log;
    throw notOurs("read ComfyUI's log", "Read it where ComfyUI was started.");
  }
}

function toLogLine({ number, atMs, text, transient }: FeedLine): LogLine {
  return { number, at: toTimestamp(atMs), text, transient };
}

function toEvent(item: FeedItem): LogEvent {
  return item.type === "gap" ? { type: "gap", missed: item.missed } : { type: "line", line: toLogLine(item.line) };
}

function notOurs(act: string, hint: string): FleetError {
  return new FleetError("conflict", `Cannot ${act}: the agent is attached to it and did not start it`, {
    hint,
    details: { mode: "attached" },
  });
}

function agentStopping(): FleetError {
  return new FleetError("comfy_unavailable", "Cannot restart ComfyUI: the agent is stopping", {
    hint: "Start the agent again; it starts ComfyUI.",
  });
}

function atWork(attempts: RestartResult["attempts"]): FleetError {
  return new FleetError("conflict", "Cannot restart ComfyUI: a run is on, and it would be lost", {
    hint: "Drain the pod first (pods.drain), or say running: 'lose': then the job is queued again.",
    details: { attempts },
  });
}

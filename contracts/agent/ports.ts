/** What an agent must be able to do. `agent/` implements these. */
import type { AttemptEvent, AttemptReport, StartAttempt, StartResult } from "../attempt.ts";
import type { AttemptId } from "../ids.ts";
import type { TailnetReport } from "../tailnet/report.ts";
import type { TraceContext } from "../telemetry/trace-context.ts";
import type { RequestContext, Tracked } from "../trpc.ts";
import type { ComfyReport, FollowLog, FreeResult, LogEvent, LogPage, RestartComfy, RestartResult } from "./comfy.ts";
import type { GpuSample, GpuVerdict } from "./gpu.ts";
import type { Beat, BeatResult, PodDescription, PodEvent } from "./messages.ts";
import type { AgentCaller } from "./caller.ts";

export interface PodPort {
  describe(): Promise<PodDescription>;
  beat(beat: Beat): Promise<BeatResult>;
  /**
   * Snapshot first, then every change of slots, conditions, capability and attempts (progress excluded). That an attempt
   * has begun may come late, or not at all when its end comes first.
   */
  watch(signal: AbortSignal): AsyncIterable<PodEvent>;
}

export interface AttemptsPort {
  /** Idempotent by `attemptId`. Journaled before it is answered. @param trace that the attempt belongs to */
  start(order: StartAttempt, trace?: TraceContext): Promise<StartResult>;
  /** Takes back an attempt that has not reached ComfyUI; `conflict` when it has. */
  withdraw(attemptId: AttemptId): Promise<AttemptReport>;
  /** Asks for the end; the agent repeats it to ComfyUI until confirmed. A result that lands first wins. */
  cancel(attemptId: AttemptId): Promise<AttemptReport>;
  /** `not_found` when the agent never accepted it, or has released it. */
  get(attemptId: AttemptId): Promise<AttemptReport>;
  /** Snapshot first; ends after the final report. */
  watch(attemptId: AttemptId, options: { previews: boolean }, signal: AbortSignal): AsyncIterable<AttemptEvent>;
  /**
   * The edge has everything it wants: the outputs may be deleted. Unknown ids are fine; `conflict` when one goes on, which
   * keeps nothing of the others.
   */
  release(attemptIds: readonly AttemptId[]): Promise<void>;
}

/** Both answer at once with what is known. */
export interface GpuPort {
  sample(): Promise<GpuSample>;
  verdict(): Promise<GpuVerdict>;
}

/** The pod's ComfyUI as an operator asks for it. */
export interface ComfyPort {
  status(): Promise<ComfyReport>;
  /**
   * Answers once the end of the process is ordered. `conflict` where the agent did not start it, and while an attempt
   * would be lost unless `running` is `lose`.
   */
  restart(input: RestartComfy): Promise<RestartResult>;
  /** Unloads models and caches. `comfy_unavailable` while it is not ready. */
  free(): Promise<FreeResult>;
  /** The newest lines. `conflict` where the agent cannot read its log. */
  logs(lines: number): Promise<LogPage>;
  /** Lines from `input` on, until the signal aborts. */
  followLogs(input: FollowLog, signal: AbortSignal): AsyncIterable<Tracked<LogEvent>>;
}

/** An agent that is older than this answers `not_found` to all of it. */
export interface TailnetPort {
  /**
   * What the pod sees of the tailnet, and that it reaches nothing it must not: seconds of waiting, since what is closed
   * does not answer. `conflict` without a tailnet. @param caller who asks over the tailnet
   */
  selfCheck(caller: AgentCaller | null): Promise<TailnetReport>;
}

export interface AgentContext extends RequestContext {
  pod: PodPort;
  attempts: AttemptsPort;
  gpu: GpuPort;
  comfy: ComfyPort;
  tailnet: TailnetPort;
  /** Who calls over the tailnet; absent on the direct transport. */
  caller?: AgentCaller | null;
}

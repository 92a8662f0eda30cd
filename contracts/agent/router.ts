/** The agent's typed contract. Who may call is decided before it, by the transport's authentication. */
import { AttemptReport, StartAttempt, StartResult } from "../attempt.ts";
import { TailnetReport } from "../tailnet/report.ts";
import { createTRPC, rethrowTyped, trackedStream, typedStream } from "../trpc.ts";
import { ComfyReport, FollowLog, FreeResult, LogPage, ReadLog, RestartComfy, RestartResult } from "./comfy.ts";
import { GpuSample, GpuVerdict } from "./gpu.ts";
import { Beat, BeatResult, ByAttempt, PodDescription, ReleaseAttempts, WatchAttempt } from "./messages.ts";
import type { AgentContext } from "./ports.ts";

const t = createTRPC<AgentContext>();

const procedure = t.procedure.use(async ({ next }) => {
  const result = await next();
  rethrowTyped(result);
  return result;
});

/** Node and Deno always pass a signal; the type says it may be absent. */
function signalOf(signal: AbortSignal | undefined): AbortSignal {
  return signal ?? new AbortController().signal;
}

const pod = t.router({
  describe: procedure.meta({ operator: "pods:read" }).output(PodDescription).query(({ ctx }) => ctx.pod.describe()),
  beat: procedure.input(Beat).output(BeatResult).mutation(({ ctx, input }) => ctx.pod.beat(input)),
  watch: procedure.subscription(({ ctx, signal }) => typedStream(ctx.pod.watch(signalOf(signal)))),
});

const attempts = t.router({
  start: procedure.input(StartAttempt).output(StartResult).mutation(({ ctx, input }) =>
    ctx.attempts.start(input, ctx.trace)
  ),
  withdraw: procedure.input(ByAttempt).output(AttemptReport)
    .mutation(({ ctx, input }) => ctx.attempts.withdraw(input.attemptId)),
  cancel: procedure.input(ByAttempt).output(AttemptReport)
    .mutation(({ ctx, input }) => ctx.attempts.cancel(input.attemptId)),
  get: procedure.input(ByAttempt).output(AttemptReport).query(({ ctx, input }) => ctx.attempts.get(input.attemptId)),
  watch: procedure.input(WatchAttempt).subscription(({ ctx, input, signal }) =>
    typedStream(ctx.attempts.watch(input.attemptId, { previews: input.previews }, signalOf(signal)))
  ),
  release: procedure.input(ReleaseAttempts)
    .mutation(({ ctx, input: { attemptId, also = [] } }) => ctx.attempts.release([attemptId, ...also])),
});

const gpu = t.router({
  sample: procedure.meta({ operator: "pods:read" }).output(GpuSample).query(({ ctx }) => ctx.gpu.sample()),
  verdict: procedure.meta({ operator: "pods:read" }).output(GpuVerdict).query(({ ctx }) => ctx.gpu.verdict()),
});

const comfy = t.router({
  status: procedure.meta({ operator: "pods:read" }).output(ComfyReport).query(({ ctx }) => ctx.comfy.status()),
  restart: procedure.meta({ operator: "pods:operate" }).input(RestartComfy).output(RestartResult)
    .mutation(({ ctx, input }) => ctx.comfy.restart(input)),
  free: procedure.meta({ operator: "pods:operate" }).output(FreeResult).mutation(({ ctx }) => ctx.comfy.free()),
  // Logs show what tenants have sent: more than "pods:read" lets one see.
  logs: procedure.meta({ operator: "pods:operate" }).input(ReadLog).output(LogPage)
    .query(({ ctx, input }) => ctx.comfy.logs(input.lines)),
  followLogs: procedure.meta({ operator: "pods:operate" }).input(FollowLog).subscription(({ ctx, input, signal }) =>
    trackedStream(ctx.comfy.followLogs(input, signalOf(signal)))
  ),
});

const tailnet = t.router({
  selfCheck: procedure.meta({ operator: "pods:read" }).output(TailnetReport)
    .query(({ ctx }) => ctx.tailnet.selfCheck(ctx.caller ?? null)),
});

export const agentRouter = t.router({ pod, attempts, gpu, comfy, tailnet });
export type AgentRouter = typeof agentRouter;

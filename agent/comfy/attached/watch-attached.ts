/** The socket to an attached ComfyUI and the question whether it is still there and still the same. */
import { isRefused } from "../http/call.ts";
import { probeLiveness, type Target } from "../http/introspection.ts";
import { saysWorkerDied } from "../http/worker-death.ts";
import type { ComfyMessage } from "../port.ts";
import { type ComfySocket, openComfySocket } from "../socket/comfy-socket.ts";
import type { EndCause } from "../end-cause.ts";
import { unreachable } from "./attach.ts";
import type { AttachedContext } from "./options.ts";

export interface WatchOptions {
  clientId: string;
  onMessage: (message: ComfyMessage) => void;
  /** See {@link ComfySocketOptions.onDeaf}. */
  onDeaf: (timesInARow: number) => void;
  /** Called once, when the socket has its first `status` and the worker is not held for dead. */
  onReady: (socket: ComfySocket) => void;
  signal: AbortSignal;
}

export interface WatchResult {
  /** Nobody listens any more, or nothing runs there any more: what ran there is lost. */
  gone: boolean;
  cause: EndCause;
}

const WORKER_DIED: EndCause = {
  reason: "WorkerDied",
  message: "ComfyUI's worker thread died: it would accept jobs and run none. Restart it where it was started.",
};

/** Asks ComfyUI's log. An answer that does not come, or cannot be read, proves nothing. */
async function isWorkerDead(target: Target, signal: AbortSignal): Promise<boolean> {
  return await saysWorkerDied(target, signal).catch(() => false);
}

/** Resolves when ComfyUI is gone, its worker dead, silent for too long, or `signal` aborts; the socket is closed then. */
export async function watchAttached(context: AttachedContext, options: WatchOptions): Promise<WatchResult> {
  const { baseUrl, clock, fetch, timings } = context;
  /** Wakes the loop when the socket was lost: a process that died is refused at once, before its successor listens. */
  let wake = new AbortController();
  let lastMessageMs = clock.now();
  let isReady = false;
  /** Whether it said more than its first words. */
  let hasSpoken = false;
  const socket = openComfySocket({
    baseUrl,
    clientId: options.clientId,
    clock,
    random: context.random,
    logger: context.logger,
    timings,
    onMessage(message) {
      lastMessageMs = clock.now();
      hasSpoken = true;
      options.onMessage(message);
    },
    onLost: () => wake.abort(),
    onDeaf: options.onDeaf,
  });
  /**
   * The log's line alone proves nothing, because a node may print a caller's text: it counts while prompts wait and bring
   * no message. `suspect`: until that is clear, nobody is given to it who was not before.
   */
  async function judgeWorker(target: Target, waiting: number): Promise<"fine" | "suspect" | "dead"> {
    const isQuiet = clock.now() - lastMessageMs >= timings.workerStallMs;
    if (waiting === 0 || (!isQuiet && (isReady || hasSpoken))) return "fine";
    if (!await isWorkerDead(target, options.signal)) return "fine";
    return isQuiet ? "dead" : "suspect";
  }
  try {
    const opened = await Promise.race([
      socket.opened.then(() => true),
      clock.sleep(timings.socketOpenMs, options.signal).then(() => false),
    ]);
    if (!opened || options.signal.aborted) return silentSocket(baseUrl);
    hasSpoken = false;
    let lastAnswerMs = clock.now();
    while (!options.signal.aborted) {
      // After a failure look again soon: a refusal must be seen before a successor listens.
      let pauseMs = timings.readinessPollMs;
      let worker: Awaited<ReturnType<typeof judgeWorker>> = "suspect";
      try {
        const timeoutMs = Math.min(timings.requestTimeoutMs, timings.unresponsiveAfterMs);
        const target = { fetch, baseUrl, timeoutMs };
        const waiting = await probeLiveness(target, options.signal);
        lastAnswerMs = clock.now();
        worker = await judgeWorker(target, waiting);
        if (worker === "dead") return { gone: true, cause: WORKER_DIED };
        if (worker === "fine") pauseMs = timings.livenessEveryMs;
      } catch (error) {
        if (options.signal.aborted) break;
        if (isRefused(error)) return { gone: true, cause: unreachable(baseUrl, error) };
        if (clock.now() - lastAnswerMs >= timings.unresponsiveAfterMs) {
          return { gone: false, cause: { ...unreachable(baseUrl, error), reason: "Unresponsive" } };
        }
      }
      if (worker === "fine" && !isReady && !options.signal.aborted) {
        isReady = true;
        options.onReady(socket);
      }
      await clock.sleep(pauseMs, AbortSignal.any([options.signal, wake.signal]));
      if (wake.signal.aborted) wake = new AbortController();
    }
    return { gone: false, cause: { reason: "Stopped", message: "The agent was disconnected." } };
  } finally {
    await socket.close();
  }
}

function silentSocket(baseUrl: string): WatchResult {
  const message = `ComfyUI at ${baseUrl} answers, but its WebSocket sends no status.`;
  return { gone: false, cause: { reason: "NoSocket", message } };
}

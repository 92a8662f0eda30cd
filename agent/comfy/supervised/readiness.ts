/** From a live process to one that takes prompts: right identity on the port, classes read, socket open. */
import { isRefused } from "../http/call.ts";
import { type ObjectInfo, readObjectInfo, readSystemStats, type SystemStats } from "../http/introspection.ts";
import type { ComfySocket } from "../socket/comfy-socket.ts";
import type { EndCause } from "../end-cause.ts";
import type { SupervisedContext } from "./options.ts";

export interface ReadinessOptions {
  baseUrl: string;
  nonce: string;
  /** When the log last grew, in ms since the epoch. */
  lastLogMs: () => number;
  openSocket: () => ComfySocket;
  /** Ends the wait: the process is gone, or nobody wants it any more. */
  signal: AbortSignal;
}

export type Readiness =
  | { status: "ready"; stats: SystemStats; objectInfo: ObjectInfo }
  | { status: "failed"; cause: EndCause }
  | { status: "aborted" };

/**
 * Waits as long as there are signs of life: the deadline counts from the last line of the log, up to a hard maximum.
 * Custom nodes may install packages for minutes, and say so.
 */
export async function waitUntilReady(context: SupervisedContext, options: ReadinessOptions): Promise<Readiness> {
  const { clock, fetch, timings } = context;
  const { baseUrl, signal } = options;
  const startedMs = clock.now();
  let stats: SystemStats | null = null;
  let objectInfo: ObjectInfo | null = null;
  let socket: ComfySocket | null = null;
  let lastFailure = "it does not listen yet";
  while (!signal.aborted) {
    try {
      stats ??= await readSystemStats({ fetch, baseUrl, timeoutMs: timings.requestTimeoutMs }, signal);
      if (!stats.argv.some((arg) => arg.includes(options.nonce))) return foreign(baseUrl);
      objectInfo ??= await readObjectInfo({ fetch, baseUrl, timeoutMs: timings.objectInfoTimeoutMs }, signal);
      socket ??= options.openSocket();
      await Promise.race([socket.opened, clock.sleep(timings.socketOpenMs, signal).then(() => notOpened())]);
      if (!signal.aborted) return { status: "ready", stats, objectInfo };
    } catch (error) {
      if (!isRefused(error) && error instanceof Error) lastFailure = error.message;
    }
    const nowMs = clock.now();
    const quietMs = nowMs - Math.max(startedMs, options.lastLogMs());
    if (quietMs > timings.startQuietMs || nowMs - startedMs > timings.startMaxMs) {
      return late(nowMs - startedMs, lastFailure);
    }
    await clock.sleep(timings.readinessPollMs, signal);
  }
  return { status: "aborted" };
}

function notOpened(): never {
  throw new Error("its WebSocket sends no status");
}

function foreign(baseUrl: string): Readiness {
  const message = `Cannot use ComfyUI: another process answers on ${baseUrl}.`;
  return { status: "failed", cause: { reason: "PortInUse", message } };
}

function late(tookMs: number, lastFailure: string): Readiness {
  const message = `Cannot start ComfyUI: not ready after ${Math.round(tookMs / 1_000)} s (${lastFailure}).`;
  return { status: "failed", cause: { reason: "StartDeadlineExceeded", message } };
}

/** One generation from its (adopted or new) process to its end: everything that lives exactly as long as it. */
import { type ObjectInfo, probeLiveness, type SystemStats } from "../http/introspection.ts";
import type { LogFile } from "../log/log-file.ts";
import type { LogLine } from "../log/log-lines.ts";
import { createLogRing } from "../log/log-ring.ts";
import { type LogTail, startLogTail } from "../log/log-tail.ts";
import type { ComfyMessage } from "../port.ts";
import { endGroup } from "../process/process-group.ts";
import { type ComfySocket, openComfySocket } from "../socket/comfy-socket.ts";
import type { EndCause } from "../end-cause.ts";
import { DEAF_LIMIT, SOCKET_DEAF } from "../watchdogs/deaf-socket.ts";
import { watchMemory } from "../watchdogs/memory-limits.ts";
import { createRecycler, type Recycler } from "../watchdogs/recycler.ts";
import { createEnding, type Ending } from "./ending.ts";
import type { RunningGeneration } from "./launch.ts";
import type { SupervisedContext } from "./options.ts";
import { pruneTemp } from "./prune-temp.ts";
import { waitUntilReady } from "./readiness.ts";
import { createLogReader, type LogFindings, watchExit, watchLiveness } from "./watch.ts";

export interface ReadySession {
  stats: SystemStats;
  objectInfo: ObjectInfo;
  failedImports: readonly string[];
}

export interface SessionOptions {
  running: RunningGeneration;
  logFile: LogFile;
  /** Where this generation puts its temporary files. */
  tempFolder: string;
  onReady: (ready: ReadySession) => void;
  onMessage: (message: ComfyMessage) => void;
  /** Why it takes no more prompts until it is started anew; null when it does again. */
  onRecycling: (cause: EndCause | null) => void;
  onLogLine: (line: LogLine) => void;
}

export interface Session {
  readonly baseUrl: string;
  readonly running: RunningGeneration;
  readonly ending: Ending;
  /** See {@link ComfySocket.expectStatus}. */
  expectStatus(sentAtMs: number): void;
  /** See {@link ComfySocket.reopen}. */
  reopenSocket(reason: string): void;
  /** Resolves with the cause once the generation ends; its process may still be there. */
  readonly ended: Promise<EndCause>;
  /** Makes the process go and lets go of log and socket. False when the process cannot be killed. */
  clear(): Promise<boolean>;
}

const RING_LINES = 500;
/** What an adopted generation said while no agent listened. */
const CATCH_UP_BYTES = 256 * 1024;

/** Temporary files of this size together may stay until they are old. */
const MAX_TEMP_BYTES = 4 * 1024 ** 3;

async function keepTempSmall(context: SupervisedContext, folder: string, signal: AbortSignal): Promise<void> {
  const { clock, logger, timings } = context;
  const limits = { maxAgeMs: timings.tempMaxAgeMs, keepMs: timings.tempKeepMs, maxBytes: MAX_TEMP_BYTES };
  while (!signal.aborted) {
    await clock.sleep(timings.tempPruneEveryMs, signal);
    if (signal.aborted) return;
    try {
      const files = await pruneTemp(folder, limits, clock.now());
      if (files > 0) logger.info("Temporary files of ComfyUI were deleted", { files });
    } catch (error) {
      logger.warn("Cannot prune ComfyUI's temporary files", { error: String(error) });
    }
  }
}

export function startSession(context: SupervisedContext, options: SessionOptions): Session {
  const { clock, logger, timings } = context;
  const { running, logFile } = options;
  const baseUrl = `http://127.0.0.1:${running.record.port}`;
  const ending = createEnding();
  const ring = createLogRing(RING_LINES);
  const { findings, read } = createLogReader(context, ending, ring);
  const tail = startLogTail({
    file: logFile,
    clock,
    logger,
    pollMs: timings.logPollMs,
    maxFileBytes: context.maxLogFileBytes,
    catchUpBytes: CATCH_UP_BYTES,
    onLine: (said) => {
      const line = { ...said, text: context.redactLine(said.text) };
      options.onLogLine(line);
      read(line);
    },
  });
  let socket: ComfySocket | null = null;
  const openSocket = () => {
    socket = openComfySocket({
      baseUrl,
      clientId: running.record.clientId,
      clock,
      random: context.random,
      logger,
      timings,
      onMessage: (message) => {
        if (ending.cause === null) options.onMessage(message);
      },
      onLost: () => {},
      onDeaf: (timesInARow) => {
        if (timesInARow >= DEAF_LIMIT) void recycler.request(SOCKET_DEAF);
      },
    });
    return socket;
  };
  const recycler = createRecycler({
    clock,
    everyMs: timings.recyclePollMs,
    countPrompts: (signal) =>
      probeLiveness({ fetch: context.fetch, baseUrl, timeoutMs: timings.requestTimeoutMs }, signal),
    onChange: options.onRecycling,
    end: ending.because,
    signal: ending.signal,
  });
  const exitWatched = watchExit(context, running, { ending, drainLog: () => tail.drain(), findings, ring });
  const pruned = keepTempSmall(context, options.tempFolder, ending.signal);
  const led = lead(context, { ...options, baseUrl, ending, tail, findings, openSocket, recycler });
  return {
    baseUrl,
    running,
    ending,
    expectStatus: (sentAtMs) => socket?.expectStatus(sentAtMs),
    reopenSocket: (reason) => socket?.reopen(reason),
    ended: ending.reached,
    async clear() {
      ending.because({ reason: "Stopped", message: "It was stopped." });
      const gone = await endGroup(running.identity, {
        table: context.processTable,
        signalProcess: context.signalProcess,
        clock,
        pollMs: timings.processPollMs,
        graceMs: timings.stopGraceMs,
        killWaitMs: timings.killWaitMs,
      });
      await Promise.all([socket?.close(), exitWatched, led, pruned]);
      await tail.stop();
      return gone;
    },
  };
}

interface LeadOptions extends SessionOptions {
  baseUrl: string;
  ending: Ending;
  tail: LogTail;
  findings: LogFindings;
  openSocket: () => ComfySocket;
  recycler: Recycler;
}

/** Brings the generation to readiness, then keeps asking whether it is still there. */
async function lead(context: SupervisedContext, options: LeadOptions): Promise<void> {
  const { baseUrl, ending, findings, running, tail } = options;
  const readiness = await waitUntilReady(context, {
    baseUrl,
    nonce: running.record.nonce,
    lastLogMs: () => tail.lastActivityMs,
    openSocket: options.openSocket,
    signal: ending.signal,
  });
  switch (readiness.status) {
    case "aborted":
      return;
    case "failed":
      ending.because(readiness.cause);
      return;
    case "ready":
      await tail.drain();
      if (ending.cause !== null) return;
      options.onReady({ ...readiness, failedImports: findings.failedImports });
      await Promise.all([
        watchLiveness(context, baseUrl, ending),
        watchMemory({
          ...{ clock: context.clock, logger: context.logger, fetch: context.fetch, timings: context.timings },
          baseUrl,
          limits: context.memoryLimits,
          readRss: () => context.readGroupRss(running.identity.pid),
          recycler: options.recycler,
          signal: ending.signal,
        }),
      ]);
  }
}

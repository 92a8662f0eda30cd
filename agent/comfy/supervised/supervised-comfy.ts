/**
 * The ComfyUI that the agent owns: adopted or spawned, kept running with capped backoff, ended by its group.
 * The port's promises are kept here; each of the parts beside this file does one of them.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { MAX_LOG_LINES } from "../../../contracts/agent/comfy.ts";
import { createBackoff } from "../backoff.ts";
import { systemClock } from "../clock.ts";
import { createComfyApi } from "../http/comfy-api.ts";
import { createExchange } from "../http/exchange.ts";
import type { ObjectInfo } from "../http/introspection.ts";
import { createLogFeed } from "../log/log-feed.ts";
import { createLogFile } from "../log/log-file.ts";
import type { Comfy, ComfyFolders, ComfyMessage, ComfyStatus } from "../port.ts";
import { createGroupRssReader } from "../process/group-memory.ts";
import { createProcessTable } from "../process/process-table.ts";
import { createListeners, createStatusBoard } from "../status-board.ts";
import { DEFAULT_TIMINGS } from "../timings.ts";
import { adoptGeneration, endOpenGenerations } from "./adopt.ts";
import { checkExtraArguments } from "./comfy-arguments.ts";
import { prepareDirectories, tempFolder } from "./directories.ts";
import type { EndCause } from "../end-cause.ts";
import { launch, type RunningGeneration } from "./launch.ts";
import type { SupervisedComfyOptions, SupervisedContext } from "./options.ts";
import { type ReadySession, type Session, startSession } from "./session.ts";

const MAX_LOG_FILE_BYTES = 16 * 1024 * 1024;
const LOG_FEED = { maxLines: MAX_LOG_LINES, maxChars: 1_000_000 };

const FAILED_INSIDE: EndCause = {
  reason: "AgentFailed",
  message: "Cannot supervise ComfyUI: the agent failed at it, its log says why.",
};

/**
 * Nothing happens before `start()`, except that the directories are made.
 * @throws FleetError `invalid_input` for an extra argument that only the agent may give
 */
export function createSupervisedComfy(options: SupervisedComfyOptions): Comfy {
  const context = withDefaults(options);
  const { clock, journal, logger, timings } = context;
  checkExtraArguments(context.args);
  const directories = prepareDirectories(context.stateDir);
  const logFile = createLogFile(directories.logFile);
  const log = createLogFeed({ id: randomUUID(), clock, ...LOG_FEED });
  const board = createStatusBoard({ clock, logger });
  const messages = createListeners<ComfyMessage>(logger);
  let session: Session | null = null;
  let objectInfo: ObjectInfo | null = null;
  let lastRestart: EndCause & { atMs: number } | null = null;
  let life: { stopping: AbortController; over: Promise<void> } | null = null;

  async function run(stopping: AbortSignal): Promise<void> {
    const backoff = createBackoff({
      baseMs: timings.backoffBaseMs,
      maxMs: timings.backoffMaxMs,
      stableAfterMs: timings.stableAfterMs,
      random: context.random,
    });
    board.enter("starting", { reason: "Adopting", message: "Looking for a ComfyUI that an earlier agent started." });
    let adopted = await survive(() => adoptGeneration(context, stopping), null);
    while (!stopping.aborted) {
      const startedMs = clock.now();
      const generation = adopted;
      const cause = await survive(() => runOnce(generation, stopping), FAILED_INSIDE);
      adopted = null;
      if (stopping.aborted) break;
      if (board.status.state !== "backoff") board.enter("backoff", { ...cause, generation: null });
      const waitMs = backoff.next(clock.now() - startedMs);
      logger.warn("ComfyUI is started anew", { reason: cause.reason, message: cause.message, waitMs });
      board.note({ message: `${cause.message} Next start in ${(waitMs / 1_000).toFixed(1)} s.` });
      await clock.sleep(waitMs, stopping);
      if (stopping.aborted) break;
      board.enter("starting", { reason: cause.reason, message: `Starting ComfyUI again. Before: ${cause.message}` });
    }
    // Left over when the stop came in the middle of an adoption.
    await survive(() => endOpenGenerations(context), undefined);
  }

  /** One generation, from `starting` to `backoff` (or to a stop); its process is gone when this resolves. */
  async function runOnce(adopted: RunningGeneration | null, stopping: AbortSignal): Promise<EndCause> {
    const started = adopted === null
      ? await launch(context, directories, logFile)
      : { status: "running" as const, running: adopted };
    if (started.status === "failed") {
      remember(started.cause);
      if (!stopping.aborted) board.enter("backoff", { ...started.cause, generation: null });
      return started.cause;
    }
    const { running } = started;
    /** Why it is ready; null before it is. */
    let readiness: (() => Pick<ComfyStatus, "reason" | "message">) | null = null;
    const { id, clientId, startedAtMs } = running.record;
    const current = startSession(context, {
      running,
      logFile,
      tempFolder: tempFolder(directories, running.record.nonce),
      onReady,
      onMessage: messages.emit,
      onRecycling: (recycling) => {
        if (recycling !== null) board.note({ recycling, ...whenIdle(recycling) });
        else board.note({ recycling, ...readiness?.() });
      },
      onLogLine: log.add,
    });
    session = current;
    board.note({
      generation: { id, clientId, startedAtMs, adopted: running.adopted },
      ...(lastRestart === null && !running.adopted
        ? { reason: "Starting", message: `Starting ComfyUI on ${current.baseUrl}.` }
        : {}),
    });
    const stop = () => current.ending.because({ reason: "Stopped", message: "It was stopped." });
    stopping.addEventListener("abort", stop, { once: true });
    if (stopping.aborted) stop();
    const cause = await current.ended;
    stopping.removeEventListener("abort", stop);
    if (!stopping.aborted) {
      remember(cause);
      board.enter("backoff", { ...cause, generation: null });
    }
    const gone = await current.clear();
    session = null;
    if (gone) journal.ended(id, { atMs: clock.now(), reason: cause.reason });
    else logger.error("ComfyUI's process cannot be killed", { pid: running.identity.pid, generation: id });
    return cause;

    function onReady(ready: ReadySession): void {
      objectInfo = ready.objectInfo;
      readiness = () => ({
        reason: running.adopted ? "Adopted" : "Ready",
        message: readyMessage(ready, current.baseUrl, running.adopted),
      });
      board.enter("ready", {
        ...readiness(),
        version: ready.stats.version,
        devices: ready.stats.devices,
        objectInfoSha256: ready.objectInfo.sha256,
      });
    }
  }

  function remember(cause: EndCause): void {
    lastRestart = { ...cause, atMs: clock.now() };
  }

  function foldersWith(nonce: string | null = null): ComfyFolders {
    const { input, output } = directories;
    return { input, output, temp: tempFolder(directories, nonce ?? "none") };
  }

  function readyMessage(ready: ReadySession, baseUrl: string, adopted: boolean): string {
    const version = ready.stats.version ?? "of an unknown version";
    const parts = [`ComfyUI ${version} is ready on ${baseUrl}${adopted ? ", kept from an earlier agent" : ""}.`];
    if (ready.failedImports.length > 0) parts.push(`Custom nodes that failed: ${ready.failedImports.join(", ")}.`);
    if (lastRestart !== null) {
      const at = new Date(lastRestart.atMs).toISOString();
      parts.push(`Last restart ${at} (${lastRestart.reason}): ${lastRestart.message}`);
    }
    return parts.join(" ");
  }

  /** The loop outlives whatever fails in it: a full disk today is a start tomorrow. */
  async function survive<T>(act: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await act();
    } catch (error) {
      logger.error("Supervising ComfyUI failed", { error: String(error) });
      return fallback;
    }
  }

  return {
    log,
    ownsProcess: true,
    get status() {
      return board.status;
    },
    get folders() {
      return foldersWith(session?.running.record.nonce);
    },
    foldersOf: (generationId) => foldersWith(journal.nonceOf(generationId)),
    api: createComfyApi({
      fetch: context.fetch,
      exchange: createExchange(),
      clock,
      timings,
      connection: () => {
        if (session === null || board.status.state !== "ready") return null;
        const { id: generationId, clientId } = session.running.record;
        return { generationId, clientId, baseUrl: session.baseUrl };
      },
      onSubmitted: (sentAtMs) => session?.expectStatus(sentAtMs),
    }),
    objectInfo: () => objectInfo,
    onStatus: board.onStatus,
    onMessage: messages.add,
    reopenSocket: (reason) => session?.reopenSocket(reason),
    restart(reason, message) {
      session?.ending.because({ reason, message });
    },
    evict: (_promptId, cause) => session?.ending.because(cause),
    start() {
      if (life !== null) return;
      const stopping = new AbortController();
      life = { stopping, over: run(stopping.signal) };
    },
    async stop() {
      if (life === null) return;
      const { stopping, over } = life;
      if (!stopping.signal.aborted) {
        board.enter("stopping", { reason: "Stopping", message: "ComfyUI is being stopped." });
        stopping.abort();
      }
      await over;
      if (board.status.state !== "stopping") return;
      life = null;
      board.enter("stopped", { reason: "Stopped", message: "ComfyUI was stopped.", generation: null });
    },
  };
}

/** The status of a ComfyUI that is to be started anew, once nothing runs in it. */
function whenIdle({ reason, message }: EndCause): EndCause {
  return {
    reason,
    message: `ComfyUI takes no more jobs and is started anew as soon as nothing runs in it: ${message}`,
  };
}

function withDefaults(options: SupervisedComfyOptions): SupervisedContext {
  return {
    args: [],
    partnerNodes: false,
    env: {},
    redactLine: (text) => text,
    maxLogFileBytes: MAX_LOG_FILE_BYTES,
    clock: systemClock,
    random: Math.random,
    fetch: globalThis.fetch,
    spawn,
    processTable: createProcessTable(),
    readGroupRss: createGroupRssReader(),
    memoryLimits: { maxRssBytes: Number.POSITIVE_INFINITY, minFreeVramBytes: null },
    randomUuid: randomUUID,
    ...options,
    timings: { ...DEFAULT_TIMINGS, ...options.timings },
  };
}

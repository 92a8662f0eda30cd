/**
 * A ComfyUI that somebody else runs. The agent finds out when it is ready and when it is another process; it cannot
 * restart it, and sees of its log only what ComfyUI shows of it.
 *
 * **Another process** is recognised by two signs: a refused connection (a live ComfyUI never stops listening, so nobody
 * is there), and a command line or version that differs from before. Behind a proxy, which accepts for a dead ComfyUI,
 * only the second works, and a lost prompt is noticed when its lookup says `unknown`.
 */
import { randomUUID } from "node:crypto";
import { createBackoff } from "../backoff.ts";
import type { EndCause } from "../end-cause.ts";
import { createComfyApi } from "../http/comfy-api.ts";
import { createExchange } from "../http/exchange.ts";
import type { ObjectInfo, SystemStats } from "../http/introspection.ts";
import type { Comfy, ComfyFolders, ComfyMessage, ComfyStatus } from "../port.ts";
import { createListeners, createStatusBoard } from "../status-board.ts";
import type { ComfySocket } from "../socket/comfy-socket.ts";
import { DEAF_LIMIT, SOCKET_DEAF } from "../watchdogs/deaf-socket.ts";
import { attach } from "./attach.ts";
import { createEvictions } from "./evictions.ts";
import { attachedFolders } from "./folders.ts";
import { type AttachedComfyOptions, attachedContext } from "./options.ts";
import { createPeers } from "./peer.ts";
import { watchAttached } from "./watch-attached.ts";

/** @throws FleetError `invalid_input` for an address that may not be attached to */
export function createAttachedComfy(options: AttachedComfyOptions): Comfy {
  const context = attachedContext({ ...options, randomUuid: options.randomUuid ?? randomUUID });
  const { baseUrl, clock, directory, logger, timings } = context;
  const board = createStatusBoard({ clock, logger });
  const messages = createListeners<ComfyMessage>(logger);
  const peers = createPeers(context, options.journal);
  let socket: ComfySocket | null = null;
  let objectInfo: ObjectInfo | null = null;
  let wish: EndCause | null = null;
  let life: { stopping: AbortController; over: Promise<void> } | null = null;

  const api = createComfyApi({
    fetch: context.fetch,
    exchange: createExchange(),
    clock,
    timings,
    connection: () => {
      const peer = peers.current;
      if (peer === null || board.status.state !== "ready") return null;
      const { id: generationId, clientId } = peer.generation;
      return { generationId, clientId, baseUrl };
    },
    onSubmitted: (sentAtMs) => socket?.expectStatus(sentAtMs),
  });
  const evictions = createEvictions({ api, clock, everyMs: timings.evictEveryMs, onChange: tell });

  async function run(stopping: AbortSignal): Promise<void> {
    const backoff = createBackoff({
      baseMs: timings.backoffBaseMs,
      maxMs: timings.socketBackoffMaxMs,
      stableAfterMs: timings.stableAfterMs,
      random: context.random,
    });
    peers.resume();
    const message = `Looking for ComfyUI at ${baseUrl}.`;
    board.enter("starting", { reason: "Connecting", message, generation: peers.generation });
    while (!stopping.aborted) {
      const startedMs = clock.now();
      const cause = await connectOnce(stopping).catch(failedInside);
      if (stopping.aborted) break;
      board.enter("backoff", { ...cause, generation: peers.generation });
      await clock.sleep(backoff.next(clock.now() - startedMs), stopping);
      if (stopping.aborted) break;
      board.enter("starting", { reason: cause.reason, message: `Connecting again. Before: ${cause.message}` });
    }
  }

  /** From `starting` until it is gone or silent. */
  async function connectOnce(stopping: AbortSignal): Promise<EndCause> {
    const found = await attach(context, stopping);
    if (found.status === "failed") {
      if (found.gone) lose(found.cause);
      return found.cause;
    }
    const { generation } = peers.meet(found.stats);
    objectInfo = found.objectInfo;
    const watched = await watchAttached(context, {
      clientId: generation.clientId,
      onMessage: messages.emit,
      onDeaf: (timesInARow) => {
        if (timesInARow >= DEAF_LIMIT) restart(SOCKET_DEAF);
      },
      onReady: (opened) => {
        socket = opened;
        board.enter("ready", {
          ...readiness(found.stats),
          generation,
          version: found.stats.version,
          devices: found.stats.devices,
          objectInfoSha256: found.objectInfo.sha256,
        });
      },
      signal: stopping,
    });
    socket = null;
    if (watched.gone) lose(watched.cause);
    return watched.cause;
  }

  /** The loop outlives whatever fails in it, a full disk for instance. */
  function failedInside(error: unknown): EndCause {
    logger.error("Watching an attached ComfyUI failed", { error: String(error) });
    return { reason: "AgentFailed", message: "The agent failed at watching ComfyUI; its log says why." };
  }

  function folders(): ComfyFolders | null {
    return directory === null ? null : attachedFolders(directory, peers.current?.stats.argv ?? []);
  }

  /** Nobody is there, or nobody who works, so nothing runs any more. */
  function lose({ reason }: EndCause): void {
    peers.lose(reason);
    wish = null;
    evictions.forget();
  }

  /** Why it is ready, or what is wrong with it although it answers. */
  function readiness(stats: SystemStats): Pick<ComfyStatus, "reason" | "message"> {
    return { reason: evictions.cause?.reason ?? wish?.reason ?? "Attached", message: readyMessage(stats) };
  }

  function restart(cause: EndCause): void {
    wish = cause;
    logger.warn("An attached ComfyUI should be restarted", { ...cause });
    tell();
  }

  /** Brings the status up to date with what is wished and evicted. */
  function tell(): void {
    const peer = peers.current;
    const evicting = evictions.promptIds;
    board.note({ evicting, ...(board.status.state === "ready" && peer !== null ? readiness(peer.stats) : {}) });
  }

  function readyMessage(stats: SystemStats): string {
    const parts = [`Attached to ComfyUI ${stats.version ?? "of an unknown version"} at ${baseUrl}.`];
    parts.push("The agent cannot restart it, read its log or see its process end.");
    if (directory === null) parts.push("Its directory is not named, so every file goes over HTTP.");
    if (wish !== null) parts.push(`It should be restarted by hand (${wish.reason}): ${wish.message}.`);
    if (evictions.cause !== null) {
      parts.push(`It takes no jobs until a prompt that was given up has left its queue: ${evictions.cause.message}.`);
      parts.push("The agent goes on canceling it; a restart of ComfyUI by hand ends it at once.");
    }
    return parts.join(" ");
  }

  return {
    log: null,
    ownsProcess: false,
    get status() {
      return board.status;
    },
    get folders() {
      return folders();
    },
    foldersOf: () => folders(),
    api,
    objectInfo: () => objectInfo,
    onStatus: board.onStatus,
    onMessage: messages.add,
    reopenSocket: (reason) => socket?.reopen(reason),
    restart: (reason, message) => restart({ reason, message }),
    evict(promptId, cause) {
      logger.warn("An attached ComfyUI is to drop a prompt", { promptId, ...cause });
      evictions.add(promptId, cause);
    },
    start() {
      if (life !== null) return;
      const stopping = new AbortController();
      life = { stopping, over: run(stopping.signal) };
      evictions.start();
    },
    async stop() {
      if (life === null) return;
      const { stopping, over } = life;
      if (!stopping.signal.aborted) {
        board.enter("stopping", { reason: "Stopping", message: "The agent is disconnecting from ComfyUI." });
        stopping.abort();
        evictions.stop();
      }
      await over;
      if (board.status.state !== "stopping") return;
      life = null;
      peers.leave();
      board.enter("stopped", { reason: "Stopped", message: "The agent is disconnected.", generation: null });
    },
  };
}

/**
 * The one WebSocket to a generation of ComfyUI. It opens itself anew for ever, keeps its client id, and never makes
 * ComfyUI wait: a client that stops reading stops delivery to all clients.
 *
 * ComfyUI forgets a client id when the socket that had it ends, even if a newer socket has taken the id over: the newer
 * one is then open but deaf. So a new socket is opened only after the old one's end was seen.
 */
import { WebSocket } from "ws";
import type { Logger } from "../../telemetry/logger.ts";
import { createBackoff } from "../backoff.ts";
import type { Clock } from "../clock.ts";
import type { ComfyMessage } from "../port.ts";
import type { ComfyTimings } from "../timings.ts";
import { parseMessage } from "../wire/parse-message.ts";
import { parsePreviewFrame } from "../wire/preview-frame.ts";

export interface ComfySocketOptions {
  /** `http://host:port` of ComfyUI. */
  baseUrl: string;
  clientId: string;
  clock: Clock;
  random: () => number;
  logger: Logger;
  timings: ComfyTimings;
  onMessage: (message: ComfyMessage) => void;
  /** After the end of each connection that had been open. */
  onLost: (reason: string) => void;
  /** The connection was found deaf and is opened anew; `timesInARow` counts those that heard nothing in between. */
  onDeaf: (timesInARow: number) => void;
}

export interface ComfySocket {
  /** Resolves when ComfyUI's first `status` came; never rejects. */
  readonly opened: Promise<void>;
  /**
   * A prompt was submitted at `sinceMs`, so ComfyUI tells everybody its queue; a socket that was open by then and does
   * not hear it is deaf and is opened anew.
   */
  expectStatus(sinceMs: number): void;
  /** Ends the current connection and opens another. ComfyUI then says which node runs, if a prompt of ours does. */
  reopen(reason: string): void;
  /** Resolves when the connection is closed. */
  close(): Promise<void>;
}

/** Previews are upscaled pictures of some 100 kB; nodes may send whole PNGs. */
const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;
const STABLE_AFTER_MS = 10_000;
/** From a polite close to a hard one. */
const CLOSE_GRACE_MS = 500;

export function openComfySocket(options: ComfySocketOptions): ComfySocket {
  const { clock, logger, timings } = options;
  const closing = new AbortController();
  const url = `${options.baseUrl.replace(/^http/, "ws")}/ws?clientId=${encodeURIComponent(options.clientId)}`;
  const opened = Promise.withResolvers<void>();
  /** Ends the current connection with a reason. */
  let endCurrent: (reason: string) => void = () => {};
  /** When the current connection had its first `status`; null while there is none. */
  let openSinceMs: number | null = null;
  let lastStatusMs = 0;
  let deafInARow = 0;
  /** When a prompt was submitted whose `status` the current connection has still to hear; null while there is none. */
  let expectedSinceMs: number | null = null;

  /** One for all that are submitted until it is heard: a signal that each of many waits on is slow. */
  async function watchExpected(sinceMs: number): Promise<void> {
    await clock.sleep(timings.socketDeafMs, closing.signal);
    if (expectedSinceMs !== sinceMs || closing.signal.aborted) return;
    endCurrent("it heard nothing of a submitted prompt");
    deafInARow++;
    options.onDeaf(deafInARow);
  }

  async function run(): Promise<void> {
    const backoff = createBackoff({
      baseMs: timings.socketBackoffBaseMs,
      maxMs: timings.socketBackoffMaxMs,
      stableAfterMs: STABLE_AFTER_MS,
      random: options.random,
    });
    while (!closing.signal.aborted) {
      const openedAtMs = clock.now();
      const { wasOpen, reason } = await connectOnce();
      if (closing.signal.aborted) break;
      if (wasOpen) {
        logger.info("ComfyUI's socket ended", { reason });
        options.onLost(reason);
      }
      await clock.sleep(backoff.next(wasOpen ? clock.now() - openedAtMs : 0), closing.signal);
    }
  }

  /** One connection from its opening to its seen end. */
  async function connectOnce(): Promise<{ wasOpen: boolean; reason: string }> {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: MAX_PAYLOAD_BYTES });
    const ended = Promise.withResolvers<void>();
    const life = new AbortController();
    let reason = "ComfyUI closed it";
    let wasOpen = false;
    let lastSignMs = clock.now();
    endCurrent = (why) => {
      if (life.signal.aborted) return;
      reason = why;
      life.abort();
      socket.close();
    };
    socket.on("open", () => {
      // Only the first message of a client is understood.
      socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
    });
    socket.on("message", (data, isBinary) => {
      lastSignMs = clock.now();
      if (isBinary) return receiveBinary(data);
      const frame = parseMessage(String(data));
      if (frame?.type === "status") {
        // The first is only the greeting.
        if (wasOpen) deafInARow = 0;
        wasOpen = true;
        lastStatusMs = clock.now();
        expectedSinceMs = null;
        openSinceMs ??= lastStatusMs;
        opened.resolve();
      } else if (frame !== null) deliver(frame);
    });
    socket.on("pong", () => lastSignMs = clock.now());
    socket.on("error", (error) => {
      if (!life.signal.aborted) reason = error.message;
    });
    socket.on("close", () => {
      openSinceMs = null;
      expectedSinceMs = null;
      life.abort();
      ended.resolve();
    });
    const stop = () => endCurrent("the agent closed it");
    closing.signal.addEventListener("abort", stop, { once: true });
    if (closing.signal.aborted) stop();
    await watch();
    // Seen by ComfyUI when it answers the close; cut off when it does not.
    await Promise.race([ended.promise, clock.sleep(CLOSE_GRACE_MS)]);
    socket.terminate();
    await ended.promise;
    closing.signal.removeEventListener("abort", stop);
    return { wasOpen, reason };

    async function watch(): Promise<void> {
      await clock.sleep(timings.socketOpenMs, AbortSignal.any([life.signal, openSignal()]));
      if (!wasOpen) endCurrent("ComfyUI sent no status");
      while (!life.signal.aborted) {
        await clock.sleep(timings.socketPingMs, life.signal);
        if (life.signal.aborted) break;
        if (clock.now() - lastSignMs > timings.socketSilenceMs) endCurrent("ComfyUI was silent");
        else if (socket.readyState === WebSocket.OPEN) socket.ping();
      }
    }

    function openSignal(): AbortSignal {
      const open = new AbortController();
      socket.once("message", () => open.abort());
      return open.signal;
    }
  }

  function receiveBinary(data: WebSocket.RawData): void {
    const frame = parsePreviewFrame(toBytes(data));
    if (frame !== null) deliver({ type: "preview", ...frame });
  }

  function deliver(message: ComfyMessage): void {
    try {
      options.onMessage(message);
    } catch (error) {
      logger.error("A listener of ComfyUI's messages failed", { error: String(error) });
    }
  }

  const running = run();
  return {
    opened: opened.promise,
    expectStatus(sinceMs) {
      if (openSinceMs === null || openSinceMs > sinceMs || lastStatusMs >= sinceMs) return;
      if (expectedSinceMs !== null) return;
      expectedSinceMs = sinceMs;
      void watchExpected(sinceMs);
    },
    reopen: (reason) => endCurrent(reason),
    async close() {
      closing.abort();
      await running;
    },
  };
}

function toBytes(data: WebSocket.RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

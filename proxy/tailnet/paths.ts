/**
 * The way to each peer: whether anything answers there, how packets travel and how long they take, from disco pings. A
 * ping whose packet is lost is never answered, so each has a deadline and is repeated.
 */
import type { RawSocket } from "../../contracts/tailnet/http-port.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { PathKind } from "../../contracts/tailnet/report.ts";
import { type Clock, jittered } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { TailnetPeer } from "./peers.ts";

export interface Path {
  kind: PathKind;
  /** Code of the relay in use, where there is one. */
  relay: string | null;
  /** Round trip of the last answered ping; null before the first. */
  latencyMs: number | null;
}

export interface Paths {
  of(stableId: string): Path;
  /** Pings until it answers or {@link PathsOptions.openMs} have passed; nothing when it did since {@link Paths.close}. */
  open(peer: TailnetPeer, signal: AbortSignal): Promise<void>;
  /** The next {@link Paths.open} pings again. */
  close(stableId: string): void;
  forget(stableId: string): void;
  /** Pings now and then, so that neither the path nor what is known of it goes stale. Never rejects. */
  keepWarm(peer: () => TailnetPeer | undefined, signal: AbortSignal): Promise<void>;
}

export interface PathsOptions {
  api: Pick<LocalApi<RawSocket>, "ping">;
  clock: Clock;
  /** Between two pings that keep a path warm. */
  pingMs: number;
  /** How long one ping may take. Default 250, and 2,000 for one that nobody waits for. */
  tryMs?: number;
  /** How long a first answer is waited for. Default 3,000. */
  openMs?: number;
  /** Told of every answer. */
  onAnswer?: (answer: { kind: "direct" | "relay"; latencyMs: number }) => void;
}

const UNKNOWN: Path = { kind: "unknown", relay: null, latencyMs: null };
const IDLE_TRY_MS = 2_000;
/** The first answer often comes by a relay and the direct path is found a moment later. */
const FIRST_LOOKS_MS = [1_000, 5_000];
/** Unanswered in a row, until a path is no longer known. */
const MAX_MISSES = 3;

export function createPaths(options: PathsOptions): Paths {
  const { api, clock, pingMs, tryMs = 250, openMs = 3_000, onAnswer = () => {} } = options;
  const paths = new Map<string, Path>();
  const opened = new Map<string, Promise<void>>();

  /** Whether it was answered. @throws the signal's reason when aborted */
  async function ping({ stableId, ip }: TailnetPeer, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      const deadline = { clock, timeoutMs, signal, action: "ping the pod" };
      const { Err, LatencySeconds, DERPRegionCode, PeerRelay, Endpoint } = await withDeadline(
        deadline,
        (inner) => api.ping(ip, inner),
      );
      if (Err) return false;
      const relay = DERPRegionCode || PeerRelay || null;
      const kind = relay === null && Endpoint ? "direct" : "relay";
      const latencyMs = (LatencySeconds ?? 0) * 1_000;
      paths.set(stableId, { kind, relay, latencyMs });
      onAnswer({ kind, latencyMs });
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  async function openNow(peer: TailnetPeer, signal: AbortSignal): Promise<void> {
    const startedMs = clock.monotonicMs();
    while (clock.monotonicMs() - startedMs < openMs) {
      const triedMs = clock.monotonicMs();
      if (await ping(peer, tryMs, signal)) return;
      // A refusal comes at once, and would else be asked for without end.
      await clock.sleep(Math.max(0, triedMs + tryMs - clock.monotonicMs()), signal);
      signal.throwIfAborted();
    }
    // Not open: whoever comes next pings again. The dial is tried all the same.
    opened.delete(peer.stableId);
  }

  return {
    of: (stableId) => paths.get(stableId) ?? UNKNOWN,
    async open(peer, signal) {
      const opening = opened.get(peer.stableId) ?? openNow(peer, signal);
      opened.set(peer.stableId, opening);
      try {
        await opening;
      } catch (error) {
        opened.delete(peer.stableId);
        throw error;
      }
    },
    close(stableId) {
      opened.delete(stableId);
    },
    forget(stableId) {
      opened.delete(stableId);
      paths.delete(stableId);
    },
    async keepWarm(peer, signal) {
      let misses = 0;
      for (let round = 0; !signal.aborted; round += 1) {
        await clock.sleep(FIRST_LOOKS_MS[round] ?? jittered(clock, pingMs), signal);
        const target = peer();
        if (signal.aborted || !target) continue;
        const answered = await ping(target, IDLE_TRY_MS, signal).catch(() => false);
        misses = answered ? 0 : misses + 1;
        if (misses >= MAX_MISSES) paths.delete(target.stableId);
      }
    },
  };
}

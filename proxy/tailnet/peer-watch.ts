/**
 * Keeps the set of peers true: follows the daemon's bus, opens it again after every cut, and compares with the status
 * now and then. A daemon that is away, starting or logged out takes nobody away: what was known stays known.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { LocalApi } from "../../contracts/tailnet/local-api.ts";
import type { BusLine } from "../../contracts/tailnet/local-api-schemas.ts";
import type { RawSocket } from "../../contracts/tailnet/http-port.ts";
import type { Logger } from "../telemetry/logger.ts";
import { backoffMs, type Clock, jittered } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import { createPeerSet, type PeerChanges, type TailnetPeer } from "./peers.ts";

export interface PeerWatchOptions {
  api: Pick<LocalApi<RawSocket>, "watchBus" | "status">;
  clock: Clock;
  logger: Logger;
  /** Between two looks at the whole picture. Default 60,000. */
  resyncMs?: number;
}

export interface PeerWatch {
  get(stableId: string): TailnetPeer | undefined;
  all(): TailnetPeer[];
  /** Whether a whole picture has come since the start: before, nobody's absence means anything. */
  isSynced(): boolean;
  /** Whether the bus is open. */
  isConnected(): boolean;
  /** Called after every change, with what it was; also, without one, when the first whole picture is there. */
  subscribe(listener: (changes: PeerChanges) => void): () => void;
  /** Resolves when the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

const STATUS_MS = 5_000;
const REOPEN = { firstMs: 100, maxMs: 5_000 };
/** Lines that come while the status is asked for make its answer old; then it is asked again. */
const RESYNC_TRIES = 5;

export function createPeerWatch({ api, clock, logger, resyncMs = 60_000 }: PeerWatchOptions): PeerWatch {
  const set = createPeerSet();
  const listeners = new Set<(changes: PeerChanges) => void>();
  let lines = 0;
  let synced = false;
  let connected = false;

  function tell(changes: PeerChanges, isWhole: boolean): void {
    const first = isWhole && !synced;
    synced ||= isWhole;
    if (!first && changes.seen.length === 0 && changes.left.length === 0) return;
    for (const listener of listeners) listener(changes);
  }

  async function resync(signal: AbortSignal): Promise<void> {
    for (let tries = 0; tries < RESYNC_TRIES; tries += 1) {
      const before = lines;
      const deadline = { clock, timeoutMs: STATUS_MS, signal, action: "ask tailscaled for its status" };
      const status = await withDeadline(deadline, (inner) => api.status({ peers: true }, inner));
      if (lines !== before) continue;
      return tell(set.replaceBy(status), status.BackendState === "Running");
    }
  }

  /** A line that would take everybody away may mean so, or that the daemon has no map: the status tells which. */
  function takesAllAway(line: BusLine): boolean {
    return Boolean(line.SelfChange) && (line.PeersChanged ?? []).length === 0 && set.all().length > 0;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const opening = new AbortController();
    const silent = new AbortController();
    void clock.sleep(STATUS_MS, AbortSignal.any([signal, opening.signal])).then(() => {
      if (!connected) silent.abort(new FleetError("timeout", "Cannot follow tailscaled's bus: it says nothing"));
    });
    try {
      await take(api.watchBus(AbortSignal.any([signal, silent.signal])), { signal, opening });
    } finally {
      opening.abort("ended");
    }
  }

  /** Line by line; the first, a whole picture, comes at once, and after it there may be silence for hours. */
  async function take(
    bus: AsyncIterable<BusLine>,
    { signal, opening }: { signal: AbortSignal; opening: AbortController },
  ): Promise<void> {
    for await (const line of bus) {
      opening.abort("open");
      lines += 1;
      connected = true;
      if (takesAllAway(line)) {
        await resync(signal);
        continue;
      }
      const isWhole = line.InitialStatus?.BackendState === "Running" || Boolean(line.SelfChange);
      tell(set.apply(line), isWhole);
      // Too slow a reader: what was missed is in the first line of the next watch.
      if (line.ErrMessage) return logger.info("tailscaled closes its bus", { why: line.ErrMessage });
    }
  }

  async function keepFollowing(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const openedMs = clock.monotonicMs();
      // One that ends soon after its first line, which may be megabytes, is opened less and less often too.
      const count = () => (clock.monotonicMs() - openedMs >= REOPEN.maxMs ? 1 : failures + 1);
      try {
        await follow(signal);
        failures = count();
        logger.info("tailscaled's bus ended");
      } catch (error) {
        if (signal.aborted) return;
        failures = count();
        logger.warn("tailscaled's bus is not there", { error, failures });
      } finally {
        connected = false;
      }
      await clock.sleep(backoffMs(clock, failures, REOPEN), signal);
    }
  }

  async function keepComparing(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(jittered(clock, resyncMs), signal);
      if (signal.aborted) return;
      await resync(signal).catch((error: unknown) => {
        if (!signal.aborted) logger.warn("tailscaled's status not read", { error });
      });
    }
  }

  return {
    get: set.get,
    all: set.all,
    isSynced: () => synced,
    isConnected: () => connected,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async run(signal) {
      await Promise.all([keepFollowing(signal), keepComparing(signal)]);
    },
  };
}

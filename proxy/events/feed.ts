/**
 * The events of all jobs, for everybody on this edge who watches more than one: read from the store once, whoever watches.
 * Runs while it has a watcher. A hint makes it look at once; a poll stands behind that.
 */
import type { TenantId } from "../../contracts/ids.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Signals } from "../signals.ts";
import type { EventStore, FeedRow } from "../store/event-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createBell } from "../time/bell.ts";
import { backoffMs, type Clock } from "../time/clock.ts";
import { createFeedQueue, type FeedMail, type FeedQueue } from "./feed-queue.ts";

export interface EventFeedOptions {
  store: EventStore;
  signals: Signals;
  clock: Clock;
  logger: Logger;
  /** Longest time until a missed hint is made up for. */
  pollMs: number;
}

export interface FeedSubscription extends Disposable {
  queue: FeedQueue;
}

export interface EventFeed {
  /** From now on the queue gets the tenant's events, those of all tenants with null, or is told to read the store. */
  subscribe(tenantId: TenantId | null): FeedSubscription;
}

const PAGE = 500;

export function feedMail({ seq, atMs, ...row }: FeedRow): FeedMail {
  return { seq, event: { id: String(seq), data: { type: "status", ...row, at: toTimestamp(atMs) } } };
}

export function createEventFeed({ store, signals, clock, logger, pollMs }: EventFeedOptions): EventFeed {
  const audiences = new Map<TenantId | null, Set<FeedQueue>>();
  let running: AbortController | null = null;

  function publish(row: FeedRow): void {
    const mail = feedMail(row);
    for (const whose of [row.tenantId, null]) for (const queue of audiences.get(whose) ?? []) queue.put(mail);
  }

  async function run(signal: AbortSignal): Promise<void> {
    const bell = createBell(clock);
    const stopListening = signals.on("job", () => bell.ring());
    let afterSeq: number | null = null;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (afterSeq === null) {
          afterSeq = await store.lastEventSeq();
          // What was committed between a watcher's own look at the store and this one is in neither.
          for (const queues of audiences.values()) for (const queue of queues) queue.resync();
        }
        const rows = await store.listFeed({ tenantId: null, afterSeq, limit: PAGE });
        failures = 0;
        if (signal.aborted) break;
        rows.forEach(publish);
        afterSeq = rows.at(-1)?.seq ?? afterSeq;
        if (rows.length < PAGE) await bell.wait(pollMs, signal);
      } catch (error) {
        failures += 1;
        logger.warn("event feed cannot read", { error });
        await clock.sleep(backoffMs(clock, failures, { firstMs: 100, maxMs: 5_000 }), signal);
      }
    }
    stopListening();
  }

  return {
    subscribe(tenantId) {
      const queue = createFeedQueue(clock);
      const queues = audiences.get(tenantId) ?? new Set();
      audiences.set(tenantId, queues.add(queue));
      if (!running) {
        running = new AbortController();
        void run(running.signal);
      }
      return {
        queue,
        [Symbol.dispose]() {
          queues.delete(queue);
          if (queues.size === 0 && audiences.get(tenantId) === queues) audiences.delete(tenantId);
          if (audiences.size > 0) return;
          running?.abort();
          running = null;
        },
      };
    },
  };
}

/**
 * One watcher of a tenant's jobs, or of all tenants': what it missed, then what happens, until its signal aborts. The store
 * is read after the feed was joined, and every event has its place in one order: none is left out and none told twice.
 */
import type { EventsPort, Tracked } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { FleetEvent } from "../../contracts/fleet-event.ts";
import type { TenantId } from "../../contracts/ids.ts";
import { hasScope } from "../../contracts/tenant.ts";
import type { EventStore, FeedRow } from "../store/event-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import { persistently } from "../time/persistently.ts";
import { createEventFeed, type EventFeed, type EventFeedOptions, feedMail } from "./feed.ts";

interface Watcher {
  store: EventStore;
  feed: EventFeed;
  clock: Clock;
  logger: Logger;
}

interface WatchRequest {
  /** Null: every tenant's. */
  tenantId: TenantId | null;
  lastEventId?: string | null | undefined;
}

/** What is missed is read in pages, so that no watcher has a long history in memory. */
const PAGE = 100;

/** The place in an id of ours, or null for anything else. */
function seqOf(eventId: string): number | null {
  return /^\d{1,15}$/.test(eventId) ? Number(eventId) : null;
}

async function* watchEvents(
  watcher: Watcher,
  { tenantId, lastEventId }: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<Tracked<FleetEvent>, void> {
  const { store, feed } = watcher;
  using subscription = feed.subscribe(tenantId);
  const newest = await persistently(watcher, () => store.lastEventSeq(), signal);
  if (newest === null) return;
  const seen = lastEventId ? seqOf(lastEventId) : null;
  // An id from the future is none of ours.
  const resumes = seen !== null && seen <= newest;
  let told = resumes ? seen : newest;
  if (!resumes) yield { id: String(told), data: { type: "ready", missed: Boolean(lastEventId) } };

  /** The next of what was missed, or null when some of it is there no more. */
  async function readOn(): Promise<FeedRow[] | null> {
    const rows = await persistently(watcher, () => store.listFeed({ tenantId, afterSeq: told, limit: PAGE }), signal);
    // Asked after the reading, so that nothing is removed between the two and overlooked.
    const removed = await persistently(watcher, () => store.lastRemovedSeq(tenantId), signal);
    return removed !== null && removed > told ? null : rows ?? [];
  }

  async function* missed(): AsyncGenerator<Tracked<FleetEvent>, void> {
    while (true) {
      const rows = await readOn();
      if (rows === null) {
        told = await persistently(watcher, () => store.lastEventSeq(), signal) ?? told;
        yield { id: String(told), data: { type: "ready", missed: true } };
        return;
      }
      for (const row of rows) {
        told = row.seq;
        yield feedMail(row).event;
      }
      if (rows.length < PAGE) return;
    }
  }

  let next: Awaited<ReturnType<typeof subscription.queue.take>> = "resync";
  while (next && !signal.aborted) {
    if (next === "resync") {
      for await (const event of missed()) {
        yield event;
        if (signal.aborted) return;
      }
    } else if (next.seq > told) {
      told = next.seq;
      yield next.event;
    }
    next = await subscription.queue.take(signal);
  }
}

function adminOnly(): FleetError {
  return new FleetError("forbidden", "Cannot watch the events of all tenants: the API key lacks the scope 'admin'", {
    hint: "Leave allTenants out for the events of this key's own tenant.",
  });
}

/** @param options `pollMs` by default 1,000 */
export function createEvents(options: Omit<EventFeedOptions, "pollMs"> & { pollMs?: number }): EventsPort {
  const logger = options.logger.child("events");
  const { store, clock, pollMs = 1_000 } = options;
  const watcher: Watcher = { store, clock, logger, feed: createEventFeed({ ...options, logger, pollMs }) };
  return {
    async *watch(caller, { allTenants, lastEventId }, signal) {
      if (allTenants && !hasScope(caller, "admin")) throw adminOnly();
      yield* watchEvents(watcher, { tenantId: allTenants ? null : caller.tenantId, lastEventId }, signal);
    },
  };
}

/**
 * One watcher of one job: first what it missed (or the job as it is), then what happens, to the event that ends it.
 * Nothing is told twice and no lifecycle event is left out, because the events are read after the feed was joined.
 */
import type { Tracked } from "../../contracts/edge/ports.ts";
import type { JobEvent } from "../../contracts/event.ts";
import type { JobId, TenantId } from "../../contracts/ids.ts";
import { isTerminal, visibleState } from "../../contracts/job-state.ts";
import type { Job } from "../../contracts/job.ts";
import type { Clock } from "../time/clock.ts";
import { persistently } from "../time/persistently.ts";
import type { EventRow, JobRow, JobStore } from "../store/job-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { getOwnJob } from "./get.ts";
import type { Hub } from "./hub.ts";
import { lifecycleMail, versionOf } from "./lifecycle-event.ts";
import type { Mail } from "./mailbox.ts";

export interface Watcher {
  store: Pick<JobStore, "getJob" | "listEvents">;
  hub: Hub;
  clock: Clock;
  logger: Logger;
  view: (row: JobRow) => Job;
}

export interface WatchRequest {
  tenantId: TenantId;
  jobId: JobId;
  lastEventId?: string | null | undefined;
  previews: boolean;
  /** Instead of the hub's own. */
  progressIntervalMs?: number | undefined;
}

function isLast({ event }: Mail): boolean {
  return event.data.type === "status" && isTerminal(event.data.state);
}

/** The job as it is now, as an event at its current version. */
function snapshot(row: JobRow, last: EventRow | undefined, job: Job): Mail {
  const state = visibleState(row.state);
  const event = {
    jobId: row.id,
    ver: row.ver,
    state,
    attempt: row.attempt,
    atMs: last?.atMs ?? row.createdAtMs,
    reason: last?.reason ?? null,
  };
  return lifecycleMail(event, isTerminal(state) ? job : null);
}

/** @throws FleetError `not_found` */
export async function* watchJob(
  watcher: Watcher,
  request: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<Tracked<JobEvent>, void> {
  const { store, hub, view } = watcher;
  const { jobId } = request;
  const seen = versionOf(request.lastEventId);
  // First whose it is: whoever joins a feed may open a pod's stream by it.
  const known = await getOwnJob(store, request.tenantId, jobId);
  using subscription = hub.subscribe(jobId, request);

  async function missedSince(ver: number): Promise<Mail[]> {
    const events = await store.listEvents(jobId, ver);
    const ends = events.some((event) => isTerminal(event.state));
    const row = ends ? await store.getJob(jobId) : null;
    return events.map((event) => lifecycleMail(event, row && isTerminal(event.state) ? view(row) : null));
  }

  /** Events with a version above `ver` have not been told; null when even the last one has. */
  async function begin(): Promise<{ ver: number; mails: Mail[] } | null> {
    // An id from the future is none of ours.
    if (seen !== null && seen <= known.ver) {
      return seen === known.ver && isTerminal(known.state) ? null : { ver: seen, mails: await missedSince(seen) };
    }
    const events = await store.listEvents(jobId, 0);
    // What happened between that read and the joining, the feed may have told already.
    const isOld = (events.at(-1)?.ver ?? 0) > known.ver;
    const row = isOld ? await store.getJob(jobId) ?? known : known;
    const last = events.findLast((event) => event.ver <= row.ver);
    return { ver: row.ver - 1, mails: [snapshot(row, last, view(row))] };
  }

  const start = await persistently(watcher, begin, signal);
  if (!start) return;
  let { ver, mails } = start;
  while (!signal.aborted) {
    for (const mail of mails) {
      const told = mail.event.data.type === "status" ? mail.ver <= ver : mail.ver < ver;
      if (told) continue;
      ver = mail.ver;
      yield mail.event;
      if (isLast(mail)) return;
    }
    const next = await subscription.mailbox.take(signal);
    if (next === "resync") mails = await persistently(watcher, () => missedSince(ver), signal) ?? [];
    else mails = next ? [next] : [];
  }
}

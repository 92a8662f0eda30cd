/** The lifecycle of all of a tenant's jobs, over cuts of the connection and restarts of the edge. */
import type { FleetEvent } from "../contracts/fleet-event.ts";
import type { Connection } from "./connection.ts";
import { oneConnection, type Received } from "./one-connection.ts";
import { overCuts } from "./over-cuts.ts";

/** An event with the id from which a later program may go on. */
export type WatchedEvent = FleetEvent & { readonly id: string };

export interface EventsOptions {
  /** The events of every tenant; the key needs the scope `admin`. @default false */
  allTenants?: boolean | undefined;
  /** Id of the last event that is known already, also by an earlier program. @default from now on */
  after?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** How long an edge may be away before the watch gives up. @default 120_000 */
  outageMs?: number | undefined;
}

/**
 * @throws FleetError `unauthorized`, `forbidden` at once; `edge_unreachable` after `outageMs` without an edge; the signal's
 * reason when it is aborted.
 */
export function watchEvents(connection: Connection, options: EventsOptions = {}): AsyncGenerator<WatchedEvent, void> {
  const { allTenants = false, after = null, signal, outageMs = 120_000 } = options;

  async function* open(lastEventId: string | null): AsyncGenerator<Received<WatchedEvent>, void> {
    const input = { allTenants, lastEventId: lastEventId ?? after };
    const received = oneConnection<FleetEvent>({
      open: (callbacks) => connection.trpc.events.watch.subscribe(input, callbacks),
    }, signal);
    for await (const { id, data } of received) yield { id, data: { ...data, id } };
  }

  return overCuts<WatchedEvent>({
    baseUrl: connection.baseUrl,
    open,
    isLast: () => false,
    what: "the events",
    hint: "Nothing is lost: watch again with 'after' set to the id of the last event.",
    signal,
    outageMs,
  });
}

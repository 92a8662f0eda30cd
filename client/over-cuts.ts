/**
 * A stream over as many connections as it takes: a cut one is opened again from the last event seen, so nothing is missed
 * and nothing comes twice.
 */
import type { Received } from "./one-connection.ts";
import { createOutage, type OutageOptions } from "./outage.ts";

export interface OverCutsOptions<T> extends OutageOptions {
  /** One connection, from after this event. */
  open(lastEventId: string | null): AsyncIterable<Received<T>>;
  /** Whether nothing comes after it. */
  isLast(data: T): boolean;
}

/**
 * @throws FleetError at once what is not retryable; `edge_unreachable` after `outageMs` without a stream; the signal's
 * reason when it is aborted.
 */
export async function* overCuts<T>(options: OverCutsOptions<T>): AsyncGenerator<T, void> {
  const outage = createOutage(options);
  let lastEventId: string | null = null;
  while (true) {
    options.signal?.throwIfAborted();
    try {
      for await (const event of options.open(lastEventId)) {
        lastEventId = event.id;
        outage.over();
        yield event.data;
        if (options.isLast(event.data)) return;
      }
    } catch (error) {
      outage.failed(error);
    }
    await outage.pause();
  }
}

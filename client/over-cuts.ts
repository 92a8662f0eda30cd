/**
 * A stream over as many connections as it takes: a cut one is opened again from the last event seen, so nothing is missed
 * and nothing comes twice.
 */
import { FleetError } from "../contracts/errors.ts";
import { toClientError } from "./errors.ts";
import type { Received } from "./one-connection.ts";
import { backoffMs, sleep } from "./retry.ts";

export interface OverCutsOptions<T> {
  baseUrl: string;
  /** One connection, from after this event. */
  open(lastEventId: string | null): AsyncIterable<Received<T>>;
  /** Whether nothing comes after it. */
  isLast(data: T): boolean;
  /** What is given up after an outage, for the message: "Cannot follow …". */
  what: string;
  hint: string;
  signal?: AbortSignal | undefined;
  outageMs: number;
}

/**
 * @throws FleetError at once what is not retryable; `edge_unreachable` after `outageMs` without a stream; the signal's
 * reason when it is aborted.
 */
export async function* overCuts<T>(options: OverCutsOptions<T>): AsyncGenerator<T, void> {
  const { signal, outageMs, what, hint } = options;
  let lastEventId: string | null = null;
  let attempt = 0;
  let outageSinceMs: number | null = null;
  while (true) {
    signal?.throwIfAborted();
    try {
      for await (const event of options.open(lastEventId)) {
        lastEventId = event.id;
        attempt = 0;
        outageSinceMs = null;
        yield event.data;
        if (options.isLast(event.data)) return;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const known = toClientError(error, options.baseUrl);
      if (!FleetError.is(known) || !known.retryable) throw known;
      outageSinceMs ??= Date.now();
      if (Date.now() - outageSinceMs > outageMs) {
        const message = `Cannot follow ${what}: the edge has been away too long`;
        throw new FleetError("edge_unreachable", message, { hint, cause: known });
      }
    }
    await sleep(backoffMs(attempt++), signal);
  }
}

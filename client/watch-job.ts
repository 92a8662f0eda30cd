/**
 * The events of one job, over as many connections as it takes: a cut stream is opened again from the last event seen,
 * so nothing is missed and nothing comes twice. Ends after the terminal status event.
 */
import type { JobEvent } from "../contracts/event.ts";
import { FleetError } from "../contracts/errors.ts";
import type { JobId } from "../contracts/ids.ts";
import { isTerminal } from "../contracts/job-state.ts";
import type { Connection } from "./connection.ts";
import { toClientError } from "./errors.ts";
import { backoffMs, sleep } from "./retry.ts";

export interface WatchOptions {
  /** Ask for preview images too. @default false */
  previews?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** How long an edge may be away before the watch gives up (the job itself goes on). @default 120_000 */
  outageMs?: number | undefined;
}

interface Received {
  id: string;
  data: JobEvent;
}

/** One connection's events; ends when the stream is cut, throws when the edge refuses it. */
async function* oneStream(
  connection: Connection,
  input: { jobId: JobId; previews: boolean; lastEventId: string | null },
  signal: AbortSignal | undefined,
): AsyncGenerator<Received> {
  const queue: Received[] = [];
  let ended = false;
  let failure: unknown = null;
  let connected = false;
  let wake = () => {};
  const end = (error: unknown = null) => {
    ended = true;
    failure ??= error;
    wake();
  };
  const subscription = connection.trpc.jobs.watch.subscribe(input, {
    onData(event) {
      queue.push({ id: event.id, data: event.data });
      wake();
    },
    onError: end,
    onComplete: () => end(),
    onConnectionStateChange(state) {
      // EventSource would open the stream again by itself, but only after seconds: we do it ourselves, at once.
      if (state.state === "pending") connected = true;
      else if (state.state === "connecting" && (connected || state.error)) end(connected ? null : state.error);
    },
  });
  const onAbort = () => end(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    while (true) {
      const next = queue.shift();
      if (next) yield next;
      else if (ended) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (failure) throw failure;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    subscription.unsubscribe();
  }
}

/**
 * @throws FleetError `not_found`, `unauthorized`, `forbidden` at once; `edge_unreachable` after `outageMs` without an
 * edge; the signal's reason when it is aborted.
 */
export async function* watchJob(
  connection: Connection,
  jobId: JobId,
  options: WatchOptions = {},
): AsyncGenerator<JobEvent, void> {
  const { previews = false, signal, outageMs = 120_000 } = options;
  let lastEventId: string | null = null;
  let attempt = 0;
  let outageSinceMs: number | null = null;
  while (true) {
    signal?.throwIfAborted();
    try {
      for await (const event of oneStream(connection, { jobId, previews, lastEventId }, signal)) {
        lastEventId = event.id;
        attempt = 0;
        outageSinceMs = null;
        yield event.data;
        if (event.data.type === "status" && isTerminal(event.data.state)) return;
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const known = toClientError(error, connection.baseUrl);
      if (!FleetError.is(known) || !known.retryable) throw known;
      outageSinceMs ??= Date.now();
      if (Date.now() - outageSinceMs > outageMs) {
        throw new FleetError("edge_unreachable", `Cannot follow job ${jobId}: the edge has been away too long`, {
          hint: `The job goes on without a watcher. Come back to it with its id, ${jobId}.`,
          cause: known,
        });
      }
    }
    await sleep(backoffMs(attempt++), signal);
  }
}

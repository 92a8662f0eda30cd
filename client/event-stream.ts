/** One connection's events of a job; `watch-job.ts` opens as many as it takes. */
import type { JobEvent } from "../contracts/event.ts";
import type { JobId } from "../contracts/ids.ts";
import type { Connection } from "./connection.ts";

export interface Received {
  id: string;
  data: JobEvent;
}

/** Lifecycle events are kept; of progress and previews a reader who is late gets only the last of each. */
function keep(queue: Received[], event: Received): void {
  const { type } = event.data;
  const unread = type === "status" ? -1 : queue.findIndex(({ data }) => data.type === type);
  if (unread >= 0) queue.splice(unread, 1);
  queue.push(event);
}

/** Ends when the stream is cut or `signal` is aborted; throws when the edge refuses it. */
export async function* eventStream(
  connection: Connection,
  input: { jobId: JobId; previews: boolean; lastEventId: string | null },
  signal: AbortSignal | undefined,
): AsyncGenerator<Received, void> {
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
      keep(queue, { id: event.id, data: event.data });
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
  const onAbort = () => end();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    while (!signal?.aborted) {
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

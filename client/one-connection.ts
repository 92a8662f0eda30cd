/** What one connection of a stream brings; `over-cuts.ts` opens as many as it takes. */

export interface Received<T> {
  id: string;
  data: T;
}

/** What a typed subscription is given. */
export interface StreamCallbacks<T> {
  /** {@link StreamContext} for the connection's fetch. */
  context: StreamContext;
  onData(event: Received<T>): void;
  onError(error: unknown): void;
  onComplete(): void;
  onConnectionStateChange(state: { state: string; error: unknown }): void;
}

/** How a connection tells why it was refused: `EventSource` itself keeps nothing but the status. */
export interface StreamContext {
  [key: string]: unknown;
  refused?: (error: unknown) => void;
}

export interface StreamOptions<T> {
  open(callbacks: StreamCallbacks<T>): { unsubscribe(): void };
  /** Takes an event in for a reader who may be late. Default: every event is kept. */
  keep?: (queue: Received<T>[], event: Received<T>) => void;
}

/** Ends when the stream is cut or `signal` is aborted; throws when it is refused. */
export async function* oneConnection<T>(
  { open, keep = (queue, event) => void queue.push(event) }: StreamOptions<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Received<T>, void> {
  const queue: Received<T>[] = [];
  let ended = false;
  let failure: unknown = null;
  let connected = false;
  let wake = () => {};
  const end = (error: unknown = null) => {
    ended = true;
    failure ??= error;
    wake();
  };
  const subscription = open({
    context: { refused: end },
    onData({ id, data }) {
      keep(queue, { id, data });
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

/**
 * Server-sent events as an HTTP body: one event a pull, a comment when nothing happens for a while, and an end that
 * frees what the stream holds, whoever ends it: the events, the client, or the edge.
 */
import type { Clock } from "../../time/clock.ts";

export interface ServerEvent {
  event: string;
  data: unknown;
}

export interface SseOptions {
  clock: Pick<Clock, "sleep">;
  /** A comment after this long without an event, so that nobody between takes the stream for dead. */
  keepAliveMs: number;
  /** Called once. */
  onEnd: () => void;
}

export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

const KEEP_ALIVE = ": keep-alive\n\n";

function frame({ event, data }: ServerEvent): string {
  // JSON has no line breaks of its own.
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The body. Errors of `events` end it as if they had ended: what became of the job is for a GET to say. */
export function sseBody(
  events: AsyncIterator<ServerEvent, unknown>,
  { clock, keepAliveMs, onEnd }: SseOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const closed = new AbortController();
  let coming: Promise<IteratorResult<ServerEvent, unknown>> | null = null;
  let over = false;

  function end(): void {
    if (over) return;
    over = true;
    closed.abort("ended");
    onEnd();
  }

  /** Null when nothing came in time; the event that is still coming is taken by the next pull. */
  async function next(): Promise<IteratorResult<ServerEvent, unknown> | null> {
    const awake = new AbortController();
    const wake = () => awake.abort("came");
    closed.signal.addEventListener("abort", wake, { once: true });
    try {
      coming ??= events.next();
      const silence = clock.sleep(keepAliveMs, awake.signal).then(() => null);
      const result = await Promise.race([coming, silence]);
      if (result !== null) coming = null;
      return result;
    } finally {
      closed.signal.removeEventListener("abort", wake);
      wake();
    }
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const result = await next().catch(() => ({ done: true as const, value: undefined }));
      if (over) return;
      if (result === null) return controller.enqueue(encoder.encode(KEEP_ALIVE));
      if (!result.done) return controller.enqueue(encoder.encode(frame(result.value)));
      end();
      controller.close();
    },
    cancel() {
      end();
      // Not awaited: it may wait for an event that nobody wants any more.
      coming?.catch(() => undefined);
      Promise.resolve(events.return?.()).catch(() => undefined);
    },
  }, { highWaterMark: 0 });
}

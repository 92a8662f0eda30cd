/**
 * Server-sent events as an HTTP body: what is told at once in one piece, a comment when nothing happens for a while,
 * and an end that frees what the stream holds, whoever ends it: the events, the client, or the edge.
 */
import type { Clock } from "../../time/clock.ts";

export interface ServerEvent {
  event: string;
  data: unknown;
}

/** Events that are told at once. Never none: a body that is asked for more and is given nothing is not asked again. */
export type EventBatch = readonly [...ServerEvent[], ServerEvent];

/** What is returned is told with the end of the stream. */
export type ServerEvents = AsyncIterator<EventBatch, EventBatch | void>;

type Told = Awaited<ReturnType<ServerEvents["next"]>>;

export interface SseOptions {
  /** What the first `next()` of the events gave, where that was waited for. */
  first?: Told;
  clock: Pick<Clock, "after">;
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
  events: ServerEvents,
  { first, clock, keepAliveMs, onEnd }: SseOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let coming: Promise<Told> | null = first === undefined ? null : Promise.resolve(first);
  let stopWaiting = () => {};
  let over = false;

  function end(): void {
    if (over) return;
    over = true;
    stopWaiting();
    onEnd();
  }

  /** Null when nothing came in time; what is still coming is taken by the next pull. */
  async function next(): Promise<Told | null> {
    coming ??= events.next();
    const silence = Promise.withResolvers<null>();
    const callOff = clock.after(keepAliveMs, () => silence.resolve(null));
    stopWaiting = () => {
      callOff();
      silence.resolve(null);
    };
    const told = await Promise.race([coming, silence.promise]);
    callOff();
    if (told !== null) coming = null;
    return told;
  }

  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const told = await next().catch((): Told => ({ done: true, value: undefined }));
      if (over) return;
      const text = told === null ? KEEP_ALIVE : (told.value ?? []).map(frame).join("");
      if (text !== "") controller.enqueue(encoder.encode(text));
      if (!told?.done) return;
      // At once: what is written in one turn leaves in one packet.
      controller.close();
      end();
    },
    cancel() {
      end();
      // Not awaited: it may wait for an event that nobody wants any more.
      coming?.catch(() => undefined);
      Promise.resolve(events.return?.()).catch(() => undefined);
    },
  }, { highWaterMark: 0 });
}

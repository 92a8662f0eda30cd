/** A stream of another process that ends here when we say so, as a stream ends and not as one that breaks. */

import type { Clock } from "../time/clock.ts";

export interface EndableOptions {
  until: AbortSignal;
  /** Called once, whoever ended it. */
  onEnd: () => void;
  clock: Clock;
  /** How long the other side may say nothing while somebody waits for it. */
  silenceMs: number;
}

type Read = ReadableStreamReadResult<Uint8Array>;
const OVER: Read = { done: true, value: undefined };

/**
 * The same bytes until the other side ends, breaks or falls silent, or `until` is aborted; the other side is let go of
 * then. A reader that is slow makes nobody silent.
 */
export function endable(
  body: ReadableStream<Uint8Array>,
  { until, onEnd, clock, silenceMs }: EndableOptions,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let over = false;
  let stop = () => {};

  /** False when it was over already. */
  function end(): boolean {
    if (over) return false;
    over = true;
    until.removeEventListener("abort", stop);
    onEnd();
    return true;
  }

  async function next(): Promise<Read> {
    const heard = new AbortController();
    const silence = clock.sleep(silenceMs, heard.signal).then(() => null);
    try {
      const read = await Promise.race([reader.read(), silence]);
      if (read !== null) return read;
      reader.cancel().catch(() => {});
      return OVER;
    } catch {
      return OVER;
    } finally {
      heard.abort("heard");
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      stop = () => {
        if (end()) controller.close();
        reader.cancel().catch(() => {});
      };
      until.addEventListener("abort", stop);
      if (until.aborted) stop();
    },
    async pull(controller) {
      const { done, value } = await next();
      if (!done && !over) controller.enqueue(value);
      else if (end()) controller.close();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

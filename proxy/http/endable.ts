/** A stream of another process that ends here when we say so, as a stream ends and not as one that breaks. */

/**
 * The same bytes until the other side ends or breaks, or `until` is aborted; the other side is let go of then.
 * @param onEnd called once, whoever ended it
 */
export function endable(
  body: ReadableStream<Uint8Array>,
  { until, onEnd }: { until: AbortSignal; onEnd: () => void },
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
      const { done, value } = await reader.read().catch(() => ({ done: true as const, value: undefined }));
      if (!done && !over) controller.enqueue(value);
      else if (end()) controller.close();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

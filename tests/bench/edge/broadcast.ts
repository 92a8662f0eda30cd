/** Events to whoever follows, each follower at its own pace. */

export class Broadcast<T> {
  readonly #queues = new Set<{ events: T[]; wake: () => void }>();
  #ended = false;

  send(event: T): void {
    for (const queue of this.#queues) {
      queue.events.push(event);
      queue.wake();
    }
  }

  /** Those who follow get what was sent, and then the end. */
  end(): void {
    this.#ended = true;
    for (const { wake } of this.#queues) wake();
  }

  /** `first`, then what is sent from this call on. */
  follow(first: T, signal: AbortSignal): AsyncGenerator<T, void> {
    const queue = { events: [first], wake: () => {} };
    this.#queues.add(queue);
    return this.#drain(queue, signal);
  }

  async *#drain(queue: { events: T[]; wake: () => void }, signal: AbortSignal): AsyncGenerator<T, void> {
    const onAbort = () => queue.wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        yield* queue.events.splice(0);
        if (queue.events.length > 0) continue;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          queue.wake = resolve;
          if (signal.aborted) resolve();
        });
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#queues.delete(queue);
    }
  }
}

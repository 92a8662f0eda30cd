/**
 * The bounded queue of one watcher. An event put under a key replaces the unread one with that key, so a slow reader
 * gets the newest of each kind and can hold up nobody; its size is the number of keys.
 */
export class Mailbox<T> {
  readonly #letters = new Map<string, T>();
  #closed = false;
  #wake: (() => void) | null = null;

  put(key: string, letter: T): void {
    if (this.#closed) return;
    // Deleted first, so that the replacement is read in its own turn and not in that of the older one.
    this.#letters.delete(key);
    this.#letters.set(key, letter);
    this.#wake?.();
  }

  /** Takes back what nobody has read under `key`. */
  drop(key: string): void {
    this.#letters.delete(key);
  }

  /** Ends the reader once it has read what is there. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Reads until closed or aborted. One reader only. */
  async *read(signal: AbortSignal): AsyncGenerator<T, void> {
    const abort = () => this.#wake?.();
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        const next = this.#letters.entries().next().value;
        if (next !== undefined) {
          this.#letters.delete(next[0]);
          yield next[1];
        } else if (this.#closed) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = null;
        }
      }
    } finally {
      signal.removeEventListener("abort", abort);
      this.#closed = true;
      this.#letters.clear();
    }
  }
}

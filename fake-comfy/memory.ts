/** Memory that the server holds on purpose, so that whoever watches it has something to see. */

interface Held {
  readonly kind: "ram" | "vram";
  readonly sizeBytes: number;
  /** Given back by `/free` with `free_memory`; else kept to the end of the process. */
  readonly freeable: boolean;
  /** Real memory, for `ram`. */
  readonly pages: ArrayBuffer | null;
}

/** Main memory is really taken; GPU memory is only said to be, in `/system_stats`. */
export class HeldMemory {
  #held: Held[] = [];

  take(kind: Held["kind"], { sizeBytes, freeable }: Pick<Held, "sizeBytes" | "freeable">): void {
    const pages = kind === "ram" ? new ArrayBuffer(sizeBytes) : null;
    // Every page is written to: the kernel gives none before.
    if (pages !== null) new Uint8Array(pages).fill(1);
    this.#held.push({ kind, sizeBytes, freeable, pages });
  }

  /** What `/free` with `free_memory` gives back. */
  free(): void {
    // Detached, so that the memory is given back now and not at some later collection.
    for (const { freeable, pages } of this.#held) if (freeable) pages?.transfer(0);
    this.#held = this.#held.filter(({ freeable }) => !freeable);
  }

  get vramBytes(): number {
    return this.#held.reduce((sum, { kind, sizeBytes }) => sum + (kind === "vram" ? sizeBytes : 0), 0);
  }
}

/** The end of one generation: whoever sees it first says why, and everything that belongs to it stops. */
import type { EndCause } from "../end-cause.ts";

export interface Ending {
  /** Aborts with the end. */
  readonly signal: AbortSignal;
  /** Null until the end. */
  readonly cause: EndCause | null;
  /** The first cause stays. */
  because(cause: EndCause): void;
  /** Resolves with the cause. */
  readonly reached: Promise<EndCause>;
}

export function createEnding(): Ending {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<EndCause>();
  let first: EndCause | null = null;
  return {
    signal: controller.signal,
    get cause() {
      return first;
    },
    because(cause) {
      if (first !== null) return;
      first = cause;
      resolve(cause);
      controller.abort();
    },
    reached: promise,
  };
}

/** How long to wait before the next start or connection: exponential, capped, jittered, forgotten after a good run. */

export interface BackoffOptions {
  /** Longest first wait. */
  baseMs: number;
  /** Longest wait of all. */
  maxMs: number;
  /** A run at least this long starts the count anew. */
  stableAfterMs: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

export interface Backoff {
  /** The wait after a run of `ranMs`, in ms: between half of and the whole of `base × 2^failures`, capped. */
  next(ranMs: number): number;
  /** Failures in a row so far. */
  readonly failures: number;
}

/** Past 2^20 every base is capped; the exponent must not reach infinity. */
const MAX_EXPONENT = 20;

export function createBackoff({ baseMs, maxMs, stableAfterMs, random }: BackoffOptions): Backoff {
  let failures = 0;
  return {
    get failures() {
      return failures;
    },
    next(ranMs) {
      if (ranMs >= stableAfterMs) failures = 0;
      const fullMs = Math.min(maxMs, baseMs * 2 ** Math.min(failures, MAX_EXPONENT));
      failures++;
      return Math.round(fullMs * (0.5 + random() / 2));
    },
  };
}

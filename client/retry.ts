/** Waiting and trying again: bounded, jittered, and stopped at once by a signal. */
import { FleetError } from "../contracts/errors.ts";

/** Rejects with the signal's reason when it is aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Full jitter over a doubling ceiling: 0.1–0.2 s at first, at most 5 s. */
export function backoffMs(attempt: number): number {
  const ceiling = Math.min(5_000, 200 * 2 ** attempt);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

/** Repeats idempotent work while it fails in a retryable way, for at most `patienceMs`, no sooner than the edge says. */
export async function retrying<T>(work: () => Promise<T>, patienceMs: number, signal?: AbortSignal): Promise<T> {
  const startedMs = Date.now();
  for (let attempt = 0;; attempt++) {
    try {
      return await work();
    } catch (error) {
      const hopeless = !FleetError.is(error) || !error.retryable || Date.now() - startedMs > patienceMs;
      if (hopeless || signal?.aborted) throw error;
      await sleep(Math.max(backoffMs(attempt), error.retryAfterMs ?? 0), signal);
    }
  }
}

/** Bounded waiting for what has no event. */
import { setTimeout as sleep } from "node:timers/promises";

/** Polls until `check` gives a value. @throws Error naming `what` after the time. */
export async function until<T>(
  what: string,
  check: () => T | null | Promise<T | null>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  while (true) {
    const value = await check();
    if (value !== null) return value;
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(20);
  }
}

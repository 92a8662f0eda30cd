import { describe, expect, it } from "vitest";
import type { Caller } from "../../../../contracts/tenant.ts";
import { whileActive } from "../../../../proxy/http/while-active.ts";

const caller: Caller = {
  keyId: "key_00000000000000000000000001",
  tenantId: "tenant_00000000000000000000000001",
  scopes: ["jobs:read"],
};

/** Yields its numbers, then waits for the signal, as a watch does. */
async function* waiting(numbers: readonly number[], signal: AbortSignal) {
  yield* numbers;
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** A clock on which every sleep ends in the next turn, counted. */
function quickClock() {
  const slept: number[] = [];
  return {
    slept,
    async sleep(ms: number, signal: AbortSignal) {
      slept.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return;
    },
  };
}

async function collect(stream: AsyncIterable<number>) {
  const seen: number[] = [];
  const failure = await (async () => {
    for await (const value of stream) seen.push(value);
  })().then(() => null, (error: unknown) => error);
  return { seen, failure };
}

describe("whileActive()", () => {
  it("passes everything through and ends a stream whose key was revoked, with a typed error", async () => {
    let looks = 0;
    const keys = { isActive: () => Promise.resolve(++looks < 3), clock: quickClock() };
    const { signal } = new AbortController();
    const { seen, failure } = await collect(
      whileActive(keys, caller, { signal, open: (inner) => waiting([1, 2], inner) }),
    );
    expect(seen).toEqual([1, 2]);
    expect(failure).toMatchObject({ code: "unauthorized", message: expect.stringContaining("revoked") });
    expect(looks).toBe(3);
  });

  it("goes on while the store does not answer, and ends quietly with its own signal", async () => {
    const stop = new AbortController();
    let looks = 0;
    const isActive = () => {
      if (++looks === 5) stop.abort();
      return Promise.reject(new Error("the store is away"));
    };
    const stream = whileActive({ isActive, clock: quickClock() }, caller, {
      signal: stop.signal,
      open: (inner) => waiting([1], inner),
    });
    expect(await collect(stream)).toEqual({ seen: [1], failure: null });
  });

  it("stops looking when the stream has ended or its reader has left", async () => {
    const clock = quickClock();
    const keys = { isActive: () => Promise.resolve(true), clock };
    const { signal } = new AbortController();
    for await (const _ of whileActive(keys, caller, { signal, open: (inner) => waiting([1, 2], inner) })) break;
    const before = clock.slept.length;
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(clock.slept.length - before).toBeLessThanOrEqual(1);
  });
});

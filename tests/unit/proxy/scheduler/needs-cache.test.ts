import { describe, expect, it } from "vitest";
import { createNeedsCache } from "../../../../proxy/scheduler/needs-cache.ts";
import type { Needs } from "../../../../proxy/store/new-job.ts";

/** A store that knows needs of about `chars` characters under every key but "unknown", and tells what it was asked. */
function fakeStore(chars: number) {
  const asked: string[][] = [];
  const getNeeds = (keys: readonly string[]) => {
    asked.push([...keys]);
    const needs = (key: string): Needs => ({ classes: [key + "n".repeat(chars)], models: [] });
    return Promise.resolve(new Map(keys.filter((key) => key !== "unknown").map((key) => [key, needs(key)])));
  };
  return { asked, store: { getNeeds } };
}

describe("createNeedsCache()", () => {
  it("reads each key once and leaves out what the store does not know", async () => {
    const { asked, store } = fakeStore(10);
    const cache = createNeedsCache(store);
    expect([...(await cache.get(new Set(["a", "b", "unknown"]))).keys()]).toEqual(["a", "b"]);
    expect([...(await cache.get(new Set(["b", "c"]))).keys()]).toEqual(["b", "c"]);
    expect(asked).toEqual([["a", "b", "unknown"], ["c"]]);
  });

  it("forgets what it read first when it holds too many keys", async () => {
    const { asked, store } = fakeStore(10);
    const cache = createNeedsCache(store, { maxKeys: 2 });
    for (const key of ["a", "b", "c", "b", "c", "a"]) await cache.get(new Set([key]));
    expect(asked).toEqual([["a"], ["b"], ["c"], ["a"]]);
  });

  it("forgets what it read first when the needs are too large together", async () => {
    const { asked, store } = fakeStore(1_000);
    const cache = createNeedsCache(store, { maxChars: 2_500 });
    for (const key of ["a", "b", "c", "b", "c", "a"]) await cache.get(new Set([key]));
    expect(asked).toEqual([["a"], ["b"], ["c"], ["a"]]);
  });

  it("answers needs that are too large to keep, and keeps the others", async () => {
    const small = { classes: ["small"], models: [] };
    const large = { classes: ["n".repeat(5_000)], models: [] };
    let reads = 0;
    const cache = createNeedsCache({
      getNeeds(keys) {
        reads += keys.length;
        return Promise.resolve(new Map(keys.map((key) => [key, key === "large" ? large : small])));
      },
    }, { maxChars: 2_500 });
    for (let round = 1; round <= 2; round++) {
      expect(await cache.get(new Set(["small", "large"]))).toEqual(new Map([["small", small], ["large", large]]));
      expect(reads).toBe(round + 1);
    }
  });
});

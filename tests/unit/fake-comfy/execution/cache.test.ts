import { describe, expect, it } from "vitest";
import { OutputCache } from "../../../../fake-comfy/execution/cache.ts";

const entry = { outputs: ["value"], ui: null };
const GIB = 1024 ** 3;

function after(cache: OutputCache, prompts: string[][]): void {
  for (const signatures of prompts) {
    cache.beginPrompt(new Set(signatures));
    for (const signature of signatures) cache.set(signature, entry);
  }
}

describe("OutputCache", () => {
  it("get() under memory pressure has only what the running prompt uses", () => {
    const cache = new OutputCache({ kind: "ram", keepFreeBytes: 8 * GIB });
    after(cache, [["a"], ["b"]]);
    cache.relieve(9 * GIB);
    expect(cache.get("b")).toBe(entry);
    cache.beginPrompt(new Set(["b"]));
    cache.relieve(GIB);
    expect([cache.get("a"), cache.get("b")]).toEqual([undefined, entry]);
  });

  it("get() with the policy last has nothing of the prompt before the last", () => {
    const cache = new OutputCache({ kind: "last" });
    after(cache, [["a", "b"], ["b"]]);
    expect([cache.get("a"), cache.get("b")]).toEqual([undefined, entry]);
  });

  it("beginPrompt() with the policy lru drops the oldest prompts first", () => {
    const cache = new OutputCache({ kind: "lru", size: 2 });
    after(cache, [["a"], ["b"], ["c"], ["d"]]);
    expect([cache.get("a"), cache.get("d")]).toEqual([undefined, entry]);
  });

  it("get() with the policy none has nothing", () => {
    const cache = new OutputCache({ kind: "none" });
    after(cache, [["a"]]);
    expect(cache.get("a")).toBeUndefined();
  });
});

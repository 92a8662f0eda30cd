import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputStore } from "../../../../agent/attempts/input-store.ts";
import { createSilentLogger } from "../../../support/comfy/silent-logger.ts";

let folder: string;
let nowMs = 0;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cf-inputs-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

function open(change: { maxStoreBytes?: number; pinned?: Set<string> } = {}): Promise<InputStore> {
  return InputStore.open({
    folder: join(folder, "inputs"),
    partFolder: join(folder, "part"),
    maxInputBytes: 100,
    maxStoreBytes: change.maxStoreBytes ?? 1_000,
    pinned: () => change.pinned ?? new Set(),
    now: () => nowMs += 1_000,
    logger: createSilentLogger(),
  });
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

async function* chunks(...texts: string[]) {
  for (const text of texts) yield bytesOf(text);
}

async function put(store: InputStore, text: string): Promise<string> {
  await store.put(hashOf(text), chunks(text));
  return hashOf(text);
}

async function filesLeft(): Promise<string[]> {
  return [...await readdir(join(folder, "inputs")), ...await readdir(join(folder, "part"))];
}

describe("InputStore", () => {
  it("put() keeps bytes with the right hash, over a restart too", async () => {
    const store = await open();
    await store.put(hashOf("ab"), chunks("a", "b"));
    expect(store.has(hashOf("ab"))).toBe(true);
    expect((await open()).has(hashOf("ab"))).toBe(true);
  });

  it("put() keeps nothing of a wrong hash, too many bytes, or a cut upload", async () => {
    const store = await open();
    await expect(store.put(hashOf("x"), chunks("y"))).rejects.toMatchObject({ code: "hash_mismatch" });
    await expect(put(store, "z".repeat(101))).rejects.toMatchObject({ code: "payload_too_large" });
    async function* cut() {
      yield bytesOf("a");
      throw new Error("socket hang up");
    }
    await expect(store.put(hashOf("ab"), cut())).rejects.toMatchObject({ code: "upload_interrupted" });
    expect(await filesLeft()).toEqual([]);
    expect(store.has(hashOf("ab"))).toBe(false);
  });

  it("put() of the same bytes twice at once keeps them once", async () => {
    const store = await open();
    await Promise.all([put(store, "same"), put(store, "same")]);
    expect(await filesLeft()).toEqual([hashOf("same")]);
  });

  it("put() evicts what was unused for longest, but neither what is pinned nor what just came", async () => {
    const pinned = new Set<string>();
    const store = await open({ maxStoreBytes: 100, pinned });
    const [a, b, c] = [await put(store, "a".repeat(40)), await put(store, "b".repeat(40)), hashOf("c".repeat(40))];
    await store.use(a);
    await put(store, "c".repeat(40));
    expect([store.has(a), store.has(b), store.has(c)]).toEqual([true, false, true]);
    pinned.add(a);
    const d = await put(store, "d".repeat(100));
    expect([store.has(a), store.has(c), store.has(d)]).toEqual([true, false, true]);
  });

  it("use() rejects for a file that somebody has deleted", async () => {
    const store = await open();
    const sha256 = await put(store, "a");
    await rm(join(folder, "inputs", sha256));
    await expect(store.use(sha256)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

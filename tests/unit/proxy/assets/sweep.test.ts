import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Sha256, TenantId } from "../../../../contracts/ids.ts";
import { keepSweeping, sweepBlobs, type SweepDeps } from "../../../../proxy/assets/sweep.ts";
import { createManualClock } from "../jobs/manual-clock.ts";
import { silentLogger } from "../jobs/silent-logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newTenantId, sampleAsset, sha256 } from "../store/samples.ts";
import { bytes, streamOf, temporaryBlobs } from "./folder.ts";

const HOUR_MS = 3_600_000;

/** A folder, a store, and a clock two hours after what is made `old` and one minute after the rest. */
async function setUp() {
  const folder = await temporaryBlobs();
  const rows = await memoryStore();
  const clock = createManualClock(Date.now() + 60_000);
  const deps: SweepDeps = { store: rows.store, blobs: folder.blobs, clock, logger: silentLogger };
  const path = (tenantId: TenantId, hash: Sha256) => join(folder.root, tenantId, hash.slice(0, 2), hash);
  return {
    folder,
    rows,
    clock,
    deps,
    signal: new AbortController().signal,
    isThere: (hash: Sha256, tenantId = rows.tenantId) => existsSync(path(tenantId, hash)),
    async store(text: string, age: "old" | "new", tenantId = rows.tenantId): Promise<Sha256> {
      const options = { maxBytes: 1_000, blake3: false, signal: new AbortController().signal };
      const blob = await folder.blobs.put(tenantId, streamOf([bytes(text)]).body, options);
      const when = new Date(Date.now() - 2 * HOUR_MS);
      if (age === "old") utimesSync(path(tenantId, blob.sha256), when, when);
      return blob.sha256;
    },
    async [Symbol.asyncDispose]() {
      await rows.store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("sweepBlobs()", () => {
  it("removes bytes without a row that are older than an hour, and nothing else", async () => {
    await using t = await setUp();
    const [orphan, young, kept] = [await t.store("a", "old"), await t.store("b", "new"), await t.store("c", "old")];
    await t.rows.store.createAsset(sampleAsset(t.rows.tenantId, { sha256: kept }));
    expect(await sweepBlobs(t.deps, t.signal)).toBe(1);
    expect([orphan, young, kept].map((hash) => t.isThere(hash))).toEqual([false, true, true]);
  });

  it("does not spare one tenant's bytes because another has a row of them", async () => {
    await using t = await setUp();
    const other = newTenantId();
    const [mine, theirs] = [await t.store("a", "old"), await t.store("a", "old", other)];
    await t.rows.store.createAsset(sampleAsset(t.rows.tenantId, { sha256: mine }));
    expect(await sweepBlobs(t.deps, t.signal)).toBe(1);
    expect([t.isThere(mine), t.isThere(theirs, other)]).toEqual([true, false]);
  });

  it("looks rows up in batches, whatever their number", async () => {
    await using t = await setUp();
    await Promise.all(Array.from({ length: 300 }, (_, n) => t.store(`blob ${n}`, "old")));
    await t.rows.store.createAsset(sampleAsset(t.rows.tenantId, { sha256: sha256("blob 299") }));
    const asked: number[] = [];
    const store: SweepDeps["store"] = {
      findHashes(tenantId, hashes) {
        asked.push(hashes.length);
        return t.rows.store.findHashes(tenantId, hashes);
      },
    };
    expect(await sweepBlobs({ ...t.deps, store }, t.signal)).toBe(299);
    expect(asked).toEqual([256, 44]);
    expect(t.isThere(sha256("blob 299"))).toBe(true);
  });

  it("spares bytes that are stored anew, or about to get a row, while it looks", async () => {
    await using t = await setUp();
    const [again, touched] = [await t.store("a", "old"), await t.store("b", "old")];
    const store: SweepDeps["store"] = {
      async findHashes() {
        await t.store("a", "new");
        await t.folder.blobs.touch(t.rows.tenantId, touched);
        return [];
      },
    };
    expect(await sweepBlobs({ ...t.deps, store }, t.signal)).toBe(0);
    expect([t.isThere(again), t.isThere(touched)]).toEqual([true, true]);
  });

  it("leaves files alone that are no blobs", async () => {
    await using t = await setUp();
    const folder = join(t.folder.root, t.rows.tenantId, "ab");
    mkdirSync(folder, { recursive: true });
    for (const path of [join(folder, "notes.txt"), join(folder, sha256("x")), join(t.folder.root, "README")]) {
      writeFileSync(path, "mine");
      utimesSync(path, new Date(0), new Date(0));
    }
    expect(await sweepBlobs(t.deps, t.signal)).toBe(0);
    expect(t.folder.files()).toHaveLength(3);
  });
});

describe("keepSweeping()", () => {
  it("sweeps at once and every hour, also after a failure, until it is stopped", async () => {
    const clock = createManualClock();
    const stop = new AbortController();
    let sweeps = 0;
    const deps: SweepDeps = {
      store: { findHashes: () => Promise.resolve([]) },
      blobs: {
        // deno-lint-ignore require-yield
        async *listOlder() {
          sweeps += 1;
          if (sweeps === 1) throw new Error("the disk is gone");
        },
        delete: () => Promise.resolve(false),
      },
      clock,
      logger: silentLogger,
    };
    const sweeping = keepSweeping(deps, stop.signal);
    await clock.advance(HOUR_MS - 1);
    expect(sweeps).toBe(1);
    await clock.advance(1);
    expect(sweeps).toBe(2);
    stop.abort();
    await sweeping;
    await clock.advance(HOUR_MS);
    expect(sweeps).toBe(2);
  });
});

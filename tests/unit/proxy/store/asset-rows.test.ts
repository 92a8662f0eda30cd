import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { newTenantId, sampleAsset, sha256 } from "./samples.ts";

describe("assets in the store", () => {
  it("createAsset() answers with the row that is there for the same tenant, bytes and name", async () => {
    await using t = await memoryStore();
    const first = await t.store.createAsset(sampleAsset(t.tenantId));
    expect(first).toMatchObject({ created: true, asset: { createdAt: new Date(1_000_000).toISOString() } });
    expect(await t.store.createAsset(sampleAsset(t.tenantId))).toEqual({ ...first, created: false, newBytes: false });
    expect(await t.store.createAsset(sampleAsset(t.tenantId, { filePath: "b.png" }))).toMatchObject({ created: true });
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    expect(await t.store.createAsset(sampleAsset(other))).toMatchObject({ created: true });
  });

  it("createAsset() takes the type that was said last for known bytes at a known path", async () => {
    await using t = await memoryStore();
    const { asset } = await t.store.createAsset(sampleAsset(t.tenantId, { contentType: "text/plain" }));
    const again = await t.store.createAsset(sampleAsset(t.tenantId, { contentType: "application/json" }));
    expect(again.asset).toEqual({ ...asset, contentType: "application/json" });
    expect(await t.store.getAsset(t.tenantId, asset.id)).toEqual(again.asset);
  });

  it("getAsset() and getAssets() find only the tenant's own", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const mine = await t.store.createAsset(sampleAsset(t.tenantId));
    const theirs = await t.store.createAsset(sampleAsset(other));
    expect(await t.store.getAsset(t.tenantId, mine.asset.id)).toEqual(mine.asset);
    expect(await t.store.getAsset(t.tenantId, theirs.asset.id)).toBeNull();
    expect(await t.store.getAssets(t.tenantId, [mine.asset.id, theirs.asset.id, "nonsense"])).toEqual([mine.asset]);
  });

  it("listAssets() pages through the tenant's assets once, newest first", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    await t.store.createAsset(sampleAsset(other));
    const made: string[] = [];
    for (let count = 0; count < 7; count++) {
      // Some within the same millisecond.
      t.time.nowMs += count % 2;
      made.push((await t.store.createAsset(sampleAsset(t.tenantId, { filePath: `${count}.png` }))).asset.id);
    }
    const listed: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof t.store.listAssets>> = await t.store.listAssets(t.tenantId, {
        limit: 2,
        cursor,
      });
      listed.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.toSorted()).toEqual(made.toSorted());
    expect(listed[0]).toBe(made.at(-1));
  });

  it("findHashes() says which hashes the tenant has assets of, each once", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const [a, b, c] = [sha256("a"), sha256("b"), sha256("c")];
    for (const fileName of ["1.png", "2.png"]) {
      await t.store.createAsset(sampleAsset(t.tenantId, { sha256: a, filePath: fileName }));
    }
    await t.store.createAsset(sampleAsset(other, { sha256: b }));
    expect(await t.store.findHashes(t.tenantId, [a, b, c, a])).toEqual([a]);
    expect(await t.store.findHashes(other, [a, b, c])).toEqual([b]);
    expect(await t.store.findHashes(other, [])).toEqual([]);
  });

  it("getAssets() finds each of any number of ids once", async () => {
    await using t = await memoryStore();
    const ids: string[] = [];
    for (let i = 0; i < 140; i++) {
      ids.push((await t.store.createAsset(sampleAsset(t.tenantId, { sha256: sha256(String(i)) }))).asset.id);
    }
    for (const count of [0, 1, 2, 8, 9, 64, 65, 140]) {
      const wanted = ids.slice(0, count);
      const found = await t.store.getAssets(t.tenantId, [...wanted, ...wanted]);
      expect(found.map((asset) => asset.id).sort()).toEqual([...wanted].sort());
    }
  });
});

import { describe, expect, it } from "vitest";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { run } from "../../../../proxy/store/transaction.ts";
import { memoryStore } from "./memory-store.ts";
import { newAssetId, newTenantId, sampleAsset, sampleOutput, sampleReceipt, sha256 } from "./samples.ts";

describe("the asset at a path", () => {
  it("is what was put at a path last, also what was there before, in one millisecond and by a clock set back", async () => {
    await using t = await memoryStore();
    const put = async (text: string) =>
      (await t.store.createAsset(sampleAsset(t.tenantId, { sha256: sha256(text) }))).asset;
    const named = async () => (await t.store.findByPaths(t.tenantId, ["a.png"])).get("a.png");
    const a = await put("A");
    t.time.nowMs += 10;
    const c = await put("C");
    expect(await named()).toBe(c.id);
    expect(await put("A")).toEqual(a);
    expect(await named()).toBe(a.id);
    t.time.nowMs -= 5;
    await put("C");
    expect(await named()).toBe(c.id);
    // The list goes by when a row was made, so that whoever pages through it meets each row once.
    expect((await t.store.listAssets(t.tenantId, { limit: 10 })).items.map(({ id }) => id)).toEqual([c.id, a.id]);
  });

  it("is what came by its hash, or from a job, after another file", async () => {
    await using t = await memoryStore();
    const named = async () => (await t.store.findByPaths(t.tenantId, ["a.png"])).get("a.png");
    const first = sampleAsset(t.tenantId, { sha256: sha256("A"), blake3: "b3" });
    const { asset } = await t.store.createAsset(first);
    const other = () => t.store.createAsset(sampleAsset(t.tenantId, { sha256: sha256("C") }));
    const { asset: second } = await other();
    await t.store.assetFromHash({ ...first, id: newAssetId(), blake3: "b3", expiresInMs: null });
    expect(await named()).toBe(asset.id);
    await other();
    expect(await named()).toBe(second.id);
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    const again = { ...first, id: newAssetId() };
    await t.store.completeJob({
      jobId,
      no,
      outputs: [sampleOutput(jobId, again)],
      assets: [again],
      receipt: sampleReceipt,
    });
    expect(await named()).toBe(asset.id);
  });

  it("is the newest of what an edge of schema 13 has left, until another is put there", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: () => 1_000_000 });
    await migrate(driver, MIGRATIONS.filter(({ version }) => version <= 13));
    const [tenantId, older, newer] = [newTenantId(), newAssetId(), newAssetId()];
    await driver.write(function* () {
      yield* run("insert into tenant values ($1, 'old', 1)", [tenantId]);
      const asset = `insert into asset (id, tenant_id, file_path, content_type, size_bytes, sha256, created_at_ms)
        values ($1, $2, 'a.png', 'image/png', 3, $3, $4)`;
      yield* run(asset, [newer, tenantId, sha256("new"), 999_999]);
      yield* run(asset, [older, tenantId, sha256("old"), 999_998]);
    });
    await migrate(driver, MIGRATIONS);
    const store = createStore(driver);
    expect(await store.findByPaths(tenantId, ["a.png"])).toEqual(new Map([["a.png", newer]]));
    await store.createAsset(sampleAsset(tenantId, { sha256: sha256("old") }));
    expect(await store.findByPaths(tenantId, ["a.png"])).toEqual(new Map([["a.png", older]]));
    await driver.close();
  });
});

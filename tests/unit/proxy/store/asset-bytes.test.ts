// Bytes of small outputs, which come and go with the rows that name them.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AssetId } from "../../../../contracts/ids.ts";
import { createStore } from "../../../../proxy/store/create-store.ts";
import { migrate } from "../../../../proxy/store/migrate.ts";
import { MIGRATIONS } from "../../../../proxy/store/migrations/migrations.ts";
import { createSqliteDriver } from "../../../../proxy/store/sqlite/driver.ts";
import { all, run } from "../../../../proxy/store/transaction.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { newAssetId, newTenantId, sampleAsset, sampleOutput, sampleReceipt, sha256 } from "./samples.ts";

const MONTH_MS = 30 * 86_400_000;
const TEXT = "small";
const HASH = sha256(TEXT);

function small(t: TestStore, filePath = "out.png", text = TEXT) {
  const bytes = new TextEncoder().encode(text);
  return sampleAsset(t.tenantId, { filePath, sha256: sha256(text), sizeBytes: bytes.byteLength, bytes });
}

/** A job that has made these. */
async function render(t: TestStore, assets = [small(t)]) {
  const { id: jobId } = await t.submit();
  const no = await t.start(jobId);
  const outputs = assets.map((asset) => sampleOutput(jobId, asset));
  return await t.store.completeJob({ jobId, no, outputs, assets, receipt: sampleReceipt });
}

async function textIn(t: TestStore, hash = HASH): Promise<string | null> {
  const bytes = await t.store.getAssetBytes(t.tenantId, hash);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

async function storedRows(t: TestStore): Promise<number> {
  const sql = "select count(*) as n from asset_bytes";
  const [row] = await t.driver.read(() => all(sql, [], z.object({ n: z.int() })));
  return row?.n ?? 0;
}

describe("bytes of small outputs", () => {
  it("come with their job's end, once for equal ones, and are their tenant's alone", async () => {
    await using t = await memoryStore();
    expect(await textIn(t)).toBeNull();
    await render(t, [small(t, "a.png"), small(t, "b.png")]);
    await render(t, [small(t, "c.png")]);
    expect(await textIn(t)).toBe(TEXT);
    expect(await storedRows(t)).toBe(1);
    const { id: stranger } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    expect(await t.store.getAssetBytes(stranger, HASH)).toBeNull();
  });

  it("are as they came: none, every value, a part of more", async () => {
    await using t = await memoryStore();
    const every = Uint8Array.from({ length: 256 }, (_, value) => value);
    const values = [new Uint8Array(0), every, every.subarray(3, 7)];
    const assets = values.map((bytes, index) => ({ ...small(t, `${index}.png`, `${index}`), bytes }));
    await render(t, assets);
    for (const { sha256: hash, bytes } of assets) expect(await t.store.getAssetBytes(t.tenantId, hash)).toEqual(bytes);
  });

  it("come with outputs that are shown early, and are not there twice when the end brings them again", async () => {
    await using t = await memoryStore();
    const { id: jobId } = await t.submit();
    const no = await t.start(jobId);
    const asset = small(t);
    const made = { outputs: [sampleOutput(jobId, asset)], assets: [asset] };
    expect((await t.store.addOutputs({ jobId, no, ...made })).status).toBe("done");
    expect(await textIn(t)).toBe(TEXT);
    const moved = await t.store.completeJob({ jobId, no, ...made, receipt: sampleReceipt });
    expect(moved).toMatchObject({ status: "done", job: { outputs: [{ assetId: asset.id }] } });
    expect(await storedRows(t)).toBe(1);
  });

  it("of a result that comes too late are not stored", async () => {
    await using t = await memoryStore();
    const { job } = await render(t, []);
    if (!job) throw new Error("no job");
    const asset = small(t);
    const late = { jobId: job.id, no: 1, outputs: [sampleOutput(job.id, asset)], assets: [asset] };
    expect(await t.store.completeJob({ ...late, receipt: sampleReceipt })).toMatchObject({ status: "stale" });
    expect(await t.store.addOutputs(late)).toMatchObject({ status: "stale" });
    expect(await storedRows(t)).toBe(0);
  });

  it("are not stored where the job's end cannot be", async () => {
    await using t = await memoryStore();
    await t.driver.write(() =>
      run("create trigger full before insert on outbox begin select raise(abort, 'disk is full'); end", [])
    );
    await expect(render(t)).rejects.toThrow("disk is full");
    expect(await storedRows(t)).toBe(0);
    expect(await t.store.findHashes(t.tenantId, [HASH])).toEqual([]);
  });

  it("go with the last asset that has them when assets are deleted", async () => {
    await using t = await memoryStore();
    // Of no job that is kept, so that they may be deleted.
    const assets = [small(t, "a.png"), small(t, "b.png")];
    const ids: AssetId[] = [];
    for (const asset of assets) ids.push((await t.store.createAsset({ ...asset, expiresInMs: null })).asset.id);
    const { job } = await render(t, [small(t, "kept.png", "kept")]);
    expect(await storedRows(t)).toBe(2);
    expect(await t.store.deleteAsset(t.tenantId, job?.outputs[0]?.assetId ?? newAssetId())).toBe("in_use");
    expect(await t.store.deleteAsset(t.tenantId, ids[0] ?? newAssetId())).toBe("deleted");
    expect(await textIn(t)).toBe(TEXT);
    expect(await t.store.deleteAsset(t.tenantId, ids[1] ?? newAssetId())).toBe("deleted");
    expect(await textIn(t)).toBeNull();
    expect(await textIn(t, sha256("kept"))).toBe("kept");
    expect(await storedRows(t)).toBe(1);
  });

  it("go with the last job that made them, and not while an upload has them", async () => {
    await using t = await memoryStore();
    await render(t, [small(t), small(t, "alone.png", "alone")]);
    t.time.nowMs += 1;
    await render(t);
    await t.submit();
    t.time.nowMs += MONTH_MS - 1;
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 1, assets: 1 });
    expect([await textIn(t), await textIn(t, sha256("alone"))]).toEqual([TEXT, null]);
    const { bytes: _bytes, ...upload } = small(t, "upload.png");
    const { asset } = await t.store.createAsset(upload);
    t.time.nowMs += 1;
    expect(await t.store.removeExpired(10)).toMatchObject({ jobs: 1, assets: 1 });
    expect(await textIn(t)).toBe(TEXT);
    expect(await t.store.deleteAsset(t.tenantId, asset.id)).toBe("deleted");
    expect(await storedRows(t)).toBe(0);
  });

  it("come again to an asset of the same bytes that was deleted before", async () => {
    await using t = await memoryStore();
    const { asset } = await t.store.createAsset(small(t));
    expect(await t.store.deleteAsset(t.tenantId, asset.id)).toBe("deleted");
    expect(await textIn(t)).toBeNull();
    await render(t);
    expect(await textIn(t)).toBe(TEXT);
  });
});

describe("an upgrade from schema 11", () => {
  it("leaves what is in the folder there, and stores with its row what comes from then on", async () => {
    const driver = createSqliteDriver({ path: ":memory:", now: () => 1_000 });
    await migrate(driver, MIGRATIONS.filter(({ version }) => version <= 11));
    const tenantId = newTenantId();
    const id = newAssetId();
    await driver.write(function* () {
      yield* run("insert into tenant values ($1, 'old', 1)", [tenantId]);
      yield* run(
        `insert into asset (id, tenant_id, file_path, content_type, size_bytes, sha256, created_at_ms)
        values ($1, $2, 'a.png', 'image/png', 5, $3, 1)`,
        [id, tenantId, HASH],
      );
    });
    await migrate(driver, MIGRATIONS);
    const store = createStore(driver);
    expect(await store.getAsset(tenantId, id)).toMatchObject({ id, sha256: HASH });
    expect(await store.getAssetBytes(tenantId, HASH)).toBeNull();
    const bytes = new TextEncoder().encode(TEXT);
    const again = sampleAsset(tenantId, { sha256: HASH, sizeBytes: 5, bytes });
    expect(await store.createAsset(again)).toMatchObject({ created: false, asset: { id } });
    expect(await store.getAssetBytes(tenantId, HASH)).toEqual(bytes);
    await driver.close();
  });
});

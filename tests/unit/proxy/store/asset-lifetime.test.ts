import { describe, expect, it } from "vitest";
import { toTimestamp } from "../../../../contracts/ids.ts";
import { findByPaths } from "../../../../proxy/store/asset-transactions.ts";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { removeAll } from "./remove-all.ts";
import {
  newAssetId,
  newTenantId,
  sampleAsset,
  sampleError,
  sampleJob,
  sampleOutput,
  sampleReceipt,
  sha256,
} from "./samples.ts";

const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;

/** A job that has made this asset. */
async function render(t: TestStore, asset = sampleAsset(t.tenantId)) {
  const { id } = await t.submit();
  const no = await t.start(id);
  const outputs = [sampleOutput(id, asset)];
  const moved = await t.store.completeJob({ jobId: id, no, outputs, assets: [asset], receipt: sampleReceipt });
  const output = moved.job?.outputs[0];
  if (!output) throw new Error("the job has no output");
  return { jobId: id, assetId: output.assetId };
}

describe("how long an asset is kept", () => {
  it("an upload does not expire unless it asks to, and then to the millisecond", async () => {
    await using t = await memoryStore();
    const kept = await t.store.createAsset(sampleAsset(t.tenantId));
    expect(kept.asset).toMatchObject({ expiresAt: null, jobId: null });
    const asset = sampleAsset(t.tenantId, { filePath: "b.png", blake3: "b" });
    const { asset: brief } = await t.store.createAsset({ ...asset, expiresInMs: 60_000 });
    expect(brief.expiresAt).toBe(toTimestamp(t.time.nowMs + 60_000));
    t.time.nowMs += 59_999;
    expect(await t.store.getAsset(t.tenantId, brief.id)).toEqual(brief);
    t.time.nowMs += 1;
    expect(await t.store.getAsset(t.tenantId, brief.id)).toBeNull();
    expect(await t.store.getOwnedAsset(brief.id)).toBeNull();
    expect((await t.store.listAssets(t.tenantId, { limit: 10 })).items).toEqual([kept.asset]);
    expect(await t.store.findByPaths(t.tenantId, ["a.png", "b.png"])).toEqual(new Map([["a.png", kept.asset.id]]));
    expect(await t.store.hasBlake3(t.tenantId, "b")).toBe(false);
    const use = sampleJob(t.tenantId, { assetIds: [brief.id, kept.asset.id] });
    expect(await t.store.submitJob(use)).toEqual({ status: "missing_assets", assetIds: [brief.id] });
    expect(await t.store.deleteAsset(t.tenantId, brief.id)).toBe("not_found");
    expect(await removeAll(t.store)).toEqual({ jobs: 0, assets: 1, uploadKeys: 0 });
    expect(await t.store.getAssets(t.tenantId, [brief.id, kept.asset.id])).toEqual([kept.asset]);
  });

  it("uploading the same bytes to the same path again only ever adds time", async () => {
    await using t = await memoryStore();
    const asset = sampleAsset(t.tenantId);
    const upload = (expiresInMs: number | null) =>
      t.store.createAsset({ ...asset, id: newAssetId(), expiresInMs }).then((stored) => stored.asset);
    const first = await upload(60_000);
    const longer = toTimestamp(t.time.nowMs + 120_000);
    expect(await upload(120_000)).toEqual({ ...first, expiresAt: longer });
    expect(await upload(1_000)).toEqual({ ...first, expiresAt: longer });
    expect(await upload(null)).toEqual({ ...first, expiresAt: null });
    expect(await upload(1_000)).toEqual({ ...first, expiresAt: null });
  });

  it("an output is kept as long as its job, and as long as the next job that makes it", async () => {
    await using t = await memoryStore();
    const { jobId, assetId } = await render(t);
    expect(await t.store.getAsset(t.tenantId, assetId)).toMatchObject({
      jobId,
      expiresAt: toTimestamp(t.time.nowMs + MONTH_MS),
    });
    t.time.nowMs += DAY_MS;
    const second = await render(t);
    expect(second.assetId).toBe(assetId);
    t.time.nowMs += MONTH_MS - DAY_MS;
    expect(await removeAll(t.store)).toEqual({ jobs: 1, assets: 0, uploadKeys: 0 });
    expect(await t.store.getAsset(t.tenantId, assetId)).toMatchObject({ jobId: second.jobId });
    await t.submit();
    t.time.nowMs += DAY_MS;
    expect(await t.store.getAsset(t.tenantId, assetId)).toBeNull();
    expect(await removeAll(t.store)).toEqual({ jobs: 1, assets: 1, uploadKeys: 0 });
    expect(await t.store.getAssets(t.tenantId, [assetId])).toEqual([]);
  });

  it("an output of a job that goes on is kept for now", async () => {
    await using t = await memoryStore();
    const { jobId, assetId } = await render(t);
    await t.driver.write(function* () {
      yield { kind: "sql", sql: "update job set completed_at_ms = null where id = $1", params: [jobId], lock: false };
    });
    t.time.nowMs += 10 * MONTH_MS;
    expect(await t.store.getAsset(t.tenantId, assetId)).toMatchObject({
      expiresAt: toTimestamp(t.time.nowMs + MONTH_MS),
    });
  });

  it("what was uploaded does not start to expire when a job makes the same, nor the other way about", async () => {
    await using t = await memoryStore();
    const { asset: uploaded } = await t.store.createAsset(sampleAsset(t.tenantId));
    const made = await render(t);
    expect(made.assetId).toBe(uploaded.id);
    expect(await t.store.getAsset(t.tenantId, uploaded.id)).toMatchObject({ jobId: made.jobId, expiresAt: null });
    const late = await render(t, sampleAsset(t.tenantId, { filePath: "out.png", sha256: sha256("out") }));
    const again = sampleAsset(t.tenantId, { filePath: "out.png", sha256: sha256("out"), blake3: "b3" });
    expect(await t.store.createAsset(again)).toMatchObject({
      created: false,
      newBytes: false,
      asset: { id: late.assetId, blake3: "b3", expiresAt: null },
    });
    await t.submit();
    t.time.nowMs += MONTH_MS;
    expect(await removeAll(t.store)).toEqual({ jobs: 2, assets: 0, uploadKeys: 0 });
    const left = (await t.store.listAssets(t.tenantId, { limit: 10 })).items.map(({ id, jobId }) =>
      [id, jobId] as const
    );
    expect(new Map(left)).toEqual(new Map([[uploaded.id, null], [late.assetId, null]]));
  });
});

describe("what holds an asset", () => {
  it("an unfinished job's use of it, whatever its time, until the job ends in any way", async () => {
    await using t = await memoryStore();
    const { asset } = await t.store.createAsset({ ...sampleAsset(t.tenantId), expiresInMs: 1_000 });
    const assetIds = [asset.id];
    const ends = {
      fail: (jobId: typeof canceled.id, no: number) =>
        t.store.failJob({ jobId, no, error: sampleError, receipt: null }),
      complete: (jobId: typeof canceled.id, no: number) =>
        t.store.completeJob({ jobId, no, outputs: [], assets: [], receipt: sampleReceipt }),
    };
    const canceled = await t.submit({ assetIds });
    const jobs = await Promise.all([t.submit({ assetIds }), t.submit({ assetIds })]);
    t.time.nowMs += 2_000;
    expect(await t.store.getAsset(t.tenantId, asset.id)).toBeNull();
    expect(await removeAll(t.store)).toEqual({ jobs: 0, assets: 0, uploadKeys: 0 });
    expect(await t.store.getAssets(t.tenantId, assetIds)).toHaveLength(1);
    await t.store.cancelJob({ tenantId: t.tenantId, jobId: canceled.id });
    await ends.fail(jobs[0].id, await t.start(jobs[0].id));
    expect(await removeAll(t.store)).toMatchObject({ assets: 0 });
    await ends.complete(jobs[1].id, await t.start(jobs[1].id));
    expect(await removeAll(t.store)).toMatchObject({ assets: 1 });
  });

  it("deleteAsset() refuses what a job uses or keeps as its output, and deletes the rest once", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const { asset: input } = await t.store.createAsset(sampleAsset(t.tenantId, { filePath: "in.png" }));
    const job = await t.submit({ assetIds: [input.id] });
    const { assetId } = await render(t);
    expect(await t.store.deleteAsset(t.tenantId, input.id)).toBe("in_use");
    expect(await t.store.deleteAsset(t.tenantId, assetId)).toBe("in_use");
    expect(await t.store.deleteAsset(other, input.id)).toBe("not_found");
    expect(await t.store.deleteAsset(t.tenantId, newAssetId())).toBe("not_found");
    await t.store.cancelJob({ tenantId: t.tenantId, jobId: job.id });
    expect(await t.store.deleteAsset(t.tenantId, input.id)).toBe("deleted");
    expect(await t.store.deleteAsset(t.tenantId, input.id)).toBe("not_found");
    expect(await t.store.findHashes(t.tenantId, [input.sha256])).toEqual([input.sha256]);
  });

  it("deleteAsset() lets an uploaded output go when its job is kept no longer", async () => {
    await using t = await memoryStore();
    await t.store.createAsset(sampleAsset(t.tenantId));
    const { assetId } = await render(t);
    t.time.nowMs += MONTH_MS;
    expect(await t.store.deleteAsset(t.tenantId, assetId)).toBe("deleted");
  });
});

describe("assets by hash and by path", () => {
  it("assetFromHash() makes a row at another path, and gives back the one that is there", async () => {
    await using t = await memoryStore();
    const { id: other } = await t.store.createTenant({ id: newTenantId(), name: "other" });
    const { asset } = await t.store.createAsset({ ...sampleAsset(t.tenantId, { blake3: "b3" }), expiresInMs: 1_000 });
    const from = (change: object = {}) =>
      t.store.assetFromHash({
        id: newAssetId(),
        tenantId: t.tenantId,
        blake3: "b3",
        filePath: null,
        expiresInMs: 500,
        ...change,
      });
    expect(await from()).toEqual({ created: false, asset });
    const moved = await from({ filePath: "masks/b.png", expiresInMs: null });
    expect(moved).toMatchObject({
      created: true,
      asset: { filePath: "masks/b.png", fileName: "b.png", sha256: asset.sha256, blake3: "b3", expiresAt: null },
    });
    expect(await from({ blake3: "other" })).toBeNull();
    expect(await from({ tenantId: other })).toBeNull();
    expect(await t.store.hasBlake3(t.tenantId, "b3")).toBe(true);
    expect(await t.store.hasBlake3(other, "b3")).toBe(false);
  });

  it("findByPaths() finds the newest asset at each path", async () => {
    await using t = await memoryStore();
    for (const text of ["1", "2", "3"]) {
      t.time.nowMs += 1;
      await t.store.createAsset(sampleAsset(t.tenantId, { filePath: "dir/a.png", sha256: sha256(text) }));
    }
    const newest = (await t.store.listAssets(t.tenantId, { limit: 1 })).items[0]?.id;
    expect(await t.store.findByPaths(t.tenantId, ["dir/a.png", "a.png", "dir/a.png"]))
      .toEqual(new Map([["dir/a.png", newest]]));
  });

  it("findByPaths() asks for many paths at once", async () => {
    await using t = await memoryStore();
    const paths = Array.from({ length: 1_000 }, (_, n) => `${n}.png`);
    const { asset } = await t.store.createAsset(sampleAsset(t.tenantId, { filePath: "999.png" }));
    let statements = 0;
    function* counted() {
      const transaction = findByPaths(t.tenantId, paths, 1);
      let step = transaction.next();
      for (; !step.done; step = transaction.next(yield step.value)) statements += 1;
      return step.value;
    }
    expect(await t.driver.read(counted)).toEqual(new Map([["999.png", asset.id]]));
    expect(statements).toBeLessThanOrEqual(20);
  });
});

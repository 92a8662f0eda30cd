import { describe, expect, it } from "vitest";
import { memoryStore, type TestStore } from "./memory-store.ts";
import { removeAll } from "./remove-all.ts";
import { sampleAsset, sha256 } from "./samples.ts";

const DAY_MS = 86_400_000;

describe("keys of uploads", () => {
  const once = (t: TestStore, change: object = {}, replay = false) =>
    t.store.createAssetOnce({ ...sampleAsset(t.tenantId), ...change }, { key: "k", replay });

  it("are refused when they come again; a replay gets the same asset for the same bytes and path", async () => {
    await using t = await memoryStore();
    const first = await once(t);
    expect(first).toMatchObject({ status: "stored", created: true, newBytes: true, replayed: false });
    expect(await once(t)).toEqual({ status: "key_reused" });
    expect(await once(t, {}, true)).toEqual({ ...first, created: false, newBytes: false, replayed: true });
    expect(await once(t, { sha256: sha256("other") }, true)).toEqual({ status: "key_reused" });
    expect(await once(t, { filePath: "b.png" }, true)).toEqual({ status: "key_reused" });
    expect(await once(t, { contentType: "text/plain", expiresInMs: 60_000 }, true)).toMatchObject({
      status: "stored",
      replayed: true,
      asset: { contentType: "image/png", expiresAt: null },
    });
    expect((await t.store.listAssets(t.tenantId, { limit: 10 })).items).toHaveLength(1);
  });

  it("are free again after 24 hours, and their rows go", async () => {
    await using t = await memoryStore();
    await once(t);
    t.time.nowMs += DAY_MS - 1;
    expect(await t.store.findUpload(t.tenantId, "k")).not.toBeNull();
    expect(await removeAll(t.store)).toMatchObject({ uploadKeys: 0 });
    t.time.nowMs += 1;
    expect(await t.store.findUpload(t.tenantId, "k")).toBeNull();
    expect(await once(t, { filePath: "b.png" })).toMatchObject({ status: "stored", created: true });
    t.time.nowMs += DAY_MS;
    expect(await removeAll(t.store)).toEqual({ jobs: 0, assets: 0, uploadKeys: 1 });
  });

  it("make one asset of many uploads at once", async () => {
    await using t = await memoryStore();
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => once(t, { filePath: `${n}.png` })));
    expect(outcomes.filter((outcome) => outcome.status === "stored")).toHaveLength(1);
  });
});

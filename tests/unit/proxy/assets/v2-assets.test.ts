import { createBLAKE3 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import { createAssets } from "../../../../proxy/assets/assets.ts";
import type { UploadRequest } from "../../../../proxy/assets/port.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newAssetId, newKeyId, newTenantId } from "../store/samples.ts";
import { bytes, failureOf, streamOf, temporaryBlobs, uploadOf } from "./folder.ts";

async function setUp() {
  const stack = new AsyncDisposableStack();
  const testStore = stack.use(await memoryStore());
  const { store, tenantId } = testStore;
  const { blobs, files } = stack.use(await temporaryBlobs());
  const { id: other } = await store.createTenant({ id: newTenantId(), name: "other" });
  const assets = createAssets({ store, blobs, maxUploadBytes: 100 });
  const caller: Caller = { keyId: newKeyId(), tenantId, scopes: [] };
  return {
    ...testStore,
    assets,
    files,
    caller,
    stranger: { ...caller, tenantId: other },
    upload: (text: string, change: Partial<UploadRequest> = {}) => assets.upload(caller, uploadOf(text, change)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function blake3Of(text: string): Promise<string> {
  return (await createBLAKE3()).update(text).digest("hex");
}

describe("upload()", () => {
  it("keeps the path, and tells new bytes from bytes at a new path", async () => {
    await using t = await setUp();
    expect(await t.upload("hello", { filePath: "masks/a.png" })).toMatchObject({
      created: true,
      newBytes: true,
      asset: { filePath: "masks/a.png", fileName: "a.png", contentType: "image/png", jobId: null },
    });
    expect(await t.upload("hello", { filePath: "b.png" })).toMatchObject({ created: true, newBytes: false });
    expect(t.files()).toHaveLength(1);
  });

  it("checks the BLAKE3 that was announced, and keeps nothing of other bytes", async () => {
    await using t = await setUp();
    const expected = { blake3: await blake3Of("hello") };
    expect((await failureOf(t.upload("hallo", { expected }))).code).toBe("hash_mismatch");
    expect(t.files()).toEqual([]);
    expect((await t.assets.list(t.caller, { limit: 10 })).items).toEqual([]);
    expect((await t.upload("hello", { expected })).asset.blake3).toBe(expected.blake3);
  });

  it("refuses a used key before it reads a byte; a replay gets the first asset for the same bytes", async () => {
    await using t = await setUp();
    const idempotency = { key: "k", replay: false };
    const broken = t.upload("", { idempotency, body: streamOf([bytes("x")], "breaks").body });
    expect((await failureOf(broken)).code).toBe("upload_interrupted");
    const first = await t.upload("hello", { idempotency });
    const again = t.upload("", { idempotency, body: streamOf([], "hangs").body });
    expect(await failureOf(again)).toMatchObject({ code: "idempotency_key_reuse", details: { idempotencyKey: "k" } });
    const replay = { idempotency: { key: "k", replay: true } };
    expect(await t.upload("hello", replay)).toEqual({ ...first, created: false, newBytes: false, replayed: true });
    expect((await failureOf(t.upload("other", replay))).code).toBe("idempotency_key_reuse");
  });
});

describe("fromHash(), hasBlake3() and findByPaths()", () => {
  it("find the tenant's own bytes and nobody else's", async () => {
    await using t = await setUp();
    const { asset } = await t.upload("hello");
    const blake3 = await blake3Of("hello");
    expect(await t.assets.hasBlake3(t.caller, blake3)).toBe(true);
    expect(await t.assets.hasBlake3(t.stranger, blake3)).toBe(false);
    expect(await t.assets.fromHash(t.caller, { blake3, expiresInMs: 60_000 })).toEqual({ asset, created: false });
    const copy = await t.assets.fromHash(t.caller, { blake3, filePath: "copy.png", expiresInMs: 60_000 });
    expect(copy).toMatchObject({ created: true, asset: { sha256: asset.sha256, filePath: "copy.png" } });
    for (const who of [t.stranger, { ...t.caller, tenantId: newTenantId() }]) {
      expect((await failureOf(t.assets.fromHash(who, { blake3, expiresInMs: null }))).code).toBe("blob_not_found");
    }
    const unknown = t.assets.fromHash(t.caller, { blake3: "0".repeat(64), expiresInMs: null });
    expect((await failureOf(unknown)).code).toBe("blob_not_found");
    const escaping = t.assets.fromHash(t.caller, { blake3, filePath: "../a", expiresInMs: null });
    expect((await failureOf(escaping)).code).toBe("invalid_input");
    expect(await t.assets.findByPaths(t.caller, ["copy.png", "none.png"])).toEqual(
      new Map([["copy.png", copy.asset.id]]),
    );
    expect(await t.assets.findByPaths(t.stranger, ["copy.png"])).toEqual(new Map());
  });
});

describe("delete()", () => {
  it("says what is in use, and leaves the bytes to the other assets that have them", async () => {
    await using t = await setUp();
    const { asset } = await t.upload("hello");
    const { asset: twin } = await t.upload("hello", { filePath: "b.png" });
    const job = await t.submit({ assetIds: [asset.id] });
    expect(await failureOf(t.assets.delete(t.caller, asset.id))).toMatchObject({ code: "asset_in_use", status: 409 });
    expect((await failureOf(t.assets.delete(t.stranger, asset.id))).code).toBe("not_found");
    await t.store.cancelJob({ tenantId: t.tenantId, jobId: job.id });
    await t.assets.delete(t.caller, asset.id);
    expect((await failureOf(t.assets.delete(t.caller, asset.id))).code).toBe("not_found");
    const response = await t.assets.download(t.caller, twin.id, new Request("http://edge/"));
    expect(await response.text()).toBe("hello");
  });
});

describe("download() of what a signature names", () => {
  it("needs no tenant, and gives that asset only, until it expires", async () => {
    await using t = await setUp();
    const { asset } = await t.upload("hello", { expiresInMs: 1_000 });
    const { asset: other } = await t.upload("other");
    const get = (signedFor: typeof asset.id, id: string) =>
      t.assets.download({ signedFor }, id, new Request("http://edge/"));
    expect(await (await get(asset.id, asset.id)).text()).toBe("hello");
    const unknown = newAssetId();
    for (const refused of [get(asset.id, other.id), get(unknown, unknown), get(asset.id, "x")]) {
      await expect(refused).rejects.toSatisfy((error) => FleetError.is(error) && error.code === "not_found");
    }
    t.time.nowMs += 1_000;
    expect((await failureOf(get(asset.id, asset.id))).code).toBe("not_found");
    expect((await failureOf(t.assets.download(t.caller, asset.id, new Request("http://edge/")))).code).toBe(
      "not_found",
    );
  });
});

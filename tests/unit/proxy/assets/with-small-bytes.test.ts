import { describe, expect, it } from "vitest";
import type { Caller } from "../../../../contracts/tenant.ts";
import { createAssets } from "../../../../proxy/assets/assets.ts";
import { withSmallBytes } from "../../../../proxy/assets/with-small-bytes.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newKeyId, sampleAsset, sampleOutput, sampleReceipt, sha256 } from "../store/samples.ts";
import { bytes, streamOf, temporaryBlobs, uploadOf } from "./folder.ts";

const HELLO = sha256("hello");

async function setUp() {
  const stack = new AsyncDisposableStack();
  const t = stack.use(await memoryStore());
  const folder = stack.use(await temporaryBlobs());
  const blobs = withSmallBytes(folder.blobs, t.store);
  const assets = createAssets({ store: t.store, blobs, maxUploadBytes: 100 });
  const caller: Caller = { keyId: newKeyId(), tenantId: t.tenantId, scopes: [] };
  return {
    ...t,
    files: folder.files,
    blobs,
    assets,
    /** Bytes that go into the folder, without a row. */
    put: (text: string) =>
      blobs.put(t.tenantId, streamOf([bytes(text)]).body, {
        maxBytes: 100,
        blake3: true,
        signal: new AbortController().signal,
      }),
    /** An output whose bytes came with the report. */
    async render(text = "hello", filePath = "out.png") {
      const { id: jobId } = await t.submit();
      const no = await t.start(jobId);
      const asset = sampleAsset(t.tenantId, {
        filePath,
        sha256: sha256(text),
        sizeBytes: text.length,
        bytes: bytes(text),
      });
      const outputs = [sampleOutput(jobId, asset)];
      const moved = await t.store.completeJob({ jobId, no, outputs, assets: [asset], receipt: sampleReceipt });
      const assetId = moved.job?.outputs[0]?.assetId;
      if (!assetId) throw new Error("no output");
      return assetId;
    },
    upload: (text: string, filePath: string) =>
      assets.upload(caller, uploadOf(text, { filePath, contentType: "image/png" })),
    async get(assetId: string, headers: Record<string, string> = {}, method = "GET") {
      const answer = await assets.download(caller, assetId, new Request("http://edge/", { method, headers }));
      const range = answer.headers.get("content-range");
      return { status: answer.status, text: await answer.text(), length: answer.headers.get("content-length"), range };
    },
    caller,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("withSmallBytes()", () => {
  it("gives bytes of small outputs whole, in part, as headers and as known, and has no file of them", async () => {
    await using t = await setUp();
    const id = await t.render();
    expect(t.files()).toEqual([]);
    expect(await t.get(id)).toEqual({ status: 200, text: "hello", length: "5", range: null });
    const part = await t.get(id, { range: "bytes=1-3" });
    expect(part).toEqual({ status: 206, text: "ell", length: "3", range: "bytes 1-3/5" });
    expect(await t.get(id, {}, "HEAD")).toEqual({ status: 200, text: "", length: "5", range: null });
    expect(await t.get(id, { "if-none-match": `"${HELLO}"` })).toMatchObject({ status: 304, text: "" });
    expect(await t.get(id, { range: "bytes=5-" })).toMatchObject({ status: 416, range: "bytes */5" });
  });

  it("gives an output without bytes", async () => {
    await using t = await setUp();
    const id = await t.render("");
    expect(await t.get(id)).toMatchObject({ status: 200, text: "", length: "0" });
    expect(await t.get(id, {}, "HEAD")).toMatchObject({ status: 200, length: "0" });
  });

  it("streams them, as an input goes to a pod, whole or in part", async () => {
    await using t = await setUp();
    await t.render();
    const whole = await t.blobs.open(t.tenantId, HELLO);
    expect(whole?.sizeBytes).toBe(5);
    expect(await new Response(whole?.body).text()).toBe("hello");
    const part = await t.blobs.open(t.tenantId, HELLO, { start: 1, end: 2 });
    expect(part?.sizeBytes).toBe(5);
    expect(await new Response(part?.body).text()).toBe("el");
  });

  it("gives those in the folder where no small output has them, and nothing where nobody has", async () => {
    await using t = await setUp();
    expect([await t.blobs.open(t.tenantId, HELLO), await t.blobs.read(t.tenantId, HELLO)]).toEqual([null, null]);
    await t.put("hello");
    expect(await t.blobs.read(t.tenantId, HELLO)).toEqual(bytes("hello"));
    expect(await new Response((await t.blobs.open(t.tenantId, HELLO))?.body).text()).toBe("hello");
  });

  it("says of a small output's bytes that they are not there to whoever wants to write a row for them", async () => {
    await using t = await setUp();
    await t.render();
    expect(await t.blobs.touch(t.tenantId, HELLO)).toBeNull();
    await t.put("hello");
    expect(await t.blobs.touch(t.tenantId, HELLO)).toBe(5);
  });

  it.each(["upload", "output"])("gives bytes of equal assets when the %s goes first", async (goesFirst) => {
    await using t = await setUp();
    const output = await t.render();
    const { asset } = await t.upload("hello", "up.png");
    const blake3 = asset.blake3 ?? "";
    const copy = await t.assets.fromHash(t.caller, { blake3, filePath: "copy.png", expiresInMs: null });
    for (const id of [output, asset.id, copy.asset.id]) expect((await t.get(id)).text).toBe("hello");
    if (goesFirst === "upload") {
      await t.assets.delete(t.caller, asset.id);
    } else {
      t.time.nowMs += 31 * 86_400_000;
      await t.submit();
      expect(await t.store.removeExpired(10)).toMatchObject({ assets: 1 });
    }
    expect((await t.get(goesFirst === "upload" ? output : asset.id)).text).toBe("hello");
    expect((await t.get(copy.asset.id)).text).toBe("hello");
  });

  it("gives what an output at an upload's own place became, from the hash too", async () => {
    await using t = await setUp();
    const output = await t.render("hello", "same.png");
    const { asset, newBytes } = await t.upload("hello", "same.png");
    expect([asset.id, newBytes]).toEqual([output, false]);
    const { asset: copy } = await t.assets.fromHash(t.caller, {
      blake3: asset.blake3 ?? "",
      filePath: "copy.png",
      expiresInMs: null,
    });
    expect((await t.get(copy.id)).text).toBe("hello");
  });
});

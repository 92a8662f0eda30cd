import { describe, expect, it } from "vitest";
import type { Asset } from "../../../../contracts/asset.ts";
import type { Caller } from "../../../../contracts/tenant.ts";
import { createAssets } from "../../../../proxy/assets/assets.ts";
import type { Assets } from "../../../../proxy/assets/port.ts";
import { contentDisposition } from "../../../../proxy/assets/download-headers.ts";
import { memoryStore } from "../store/memory-store.ts";
import { newAssetId, newKeyId, newTenantId, sampleAsset, sha256 } from "../store/samples.ts";
import { bytes, failureOf, streamOf, temporaryBlobs } from "./folder.ts";

type Upload = Parameters<Assets["upload"]>[1];

async function setUp() {
  const stack = new AsyncDisposableStack();
  const { store, tenantId } = stack.use(await memoryStore());
  const { blobs, files } = stack.use(await temporaryBlobs());
  const other = await store.createTenant({ id: newTenantId(), name: "other" });
  const assets = createAssets({ store, blobs, maxUploadBytes: 100 });
  const caller: Caller = { keyId: newKeyId(), tenantId, scopes: [] };
  const upload = (text: string, change: Partial<Upload> = {}) =>
    assets.upload(caller, {
      filePath: "a.png",
      contentType: "image/png",
      contentLength: String(text.length),
      expected: {},
      expiresInMs: null,
      idempotency: null,
      body: streamOf([bytes(text)]).body,
      signal: new AbortController().signal,
      ...change,
    });
  const get = (asset: Asset, headers: Record<string, string> = {}, method = "GET") =>
    assets.download(caller, asset.id, new Request("http://edge/", { method, headers }));
  return {
    store,
    files,
    caller,
    stranger: { ...caller, tenantId: other.id },
    assets,
    put: upload,
    get,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("upload()", () => {
  it("upload() stores the bytes and answers with their hashes, once per name", async () => {
    await using t = await setUp();
    const first = await t.put("hello");
    expect(first).toMatchObject({
      created: true,
      asset: { filePath: "a.png", contentType: "image/png", sizeBytes: 5, sha256: sha256("hello") },
    });
    expect(first.asset.blake3).toMatch(/^[0-9a-f]{64}$/);
    expect(await t.put("hello")).toEqual({ ...first, created: false, newBytes: false });
    expect((await t.put("hello", { filePath: "b.png" })).created).toBe(true);
    expect(t.files()).toHaveLength(1);
    expect(await t.assets.get(t.caller, first.asset.id)).toEqual(first.asset);
  });

  it.each([
    "",
    "../a.png",
    "..",
    ".",
    "a//b.png",
    "a/../../b.png",
    "C:\\a.png",
    "/etc/passwd",
    "a\u0000.png",
    "a\nb.png",
    "x".repeat(256),
    `${"x/".repeat(600)}y`,
  ])(
    "upload() refuses the path %j before it reads anything",
    async (fileName) => {
      await using t = await setUp();
      const error = await failureOf(t.put("hello", { filePath: fileName, body: streamOf([], "hangs").body }));
      expect(error).toMatchObject({ code: "invalid_input", hint: expect.stringContaining("relative path") });
    },
  );

  it("upload() refuses what is announced too large before it reads, and what turns out so, keeping nothing", async () => {
    await using t = await setUp();
    const announced = t.put("", { contentLength: "101", body: streamOf([], "hangs").body });
    expect((await failureOf(announced)).code).toBe("payload_too_large");
    const chunked = t.put("x".repeat(101), { contentLength: null });
    expect((await failureOf(chunked)).code).toBe("payload_too_large");
    expect(t.files()).toEqual([]);
    expect((await t.put("x".repeat(100))).asset.sizeBytes).toBe(100);
  });

  it("upload() refuses other bytes than expected, and forms", async () => {
    await using t = await setUp();
    expect((await failureOf(t.put("hello", { expected: { sha256: sha256("other") } }))).code).toBe("hash_mismatch");
    const form = await failureOf(t.put("hello", { contentType: "multipart/form-data; boundary=x" }));
    expect(form).toMatchObject({ code: "invalid_input", hint: expect.stringContaining("--data-binary") });
    expect(t.files()).toEqual([]);
    expect((await t.put("hello", { expected: { sha256: sha256("hello") } })).created).toBe(true);
  });

  it("upload() keeps nothing of an upload that breaks off", async () => {
    await using t = await setUp();
    const error = await failureOf(t.put("", { body: streamOf([bytes("half")], "breaks").body, contentLength: "8" }));
    expect(error.code).toBe("upload_interrupted");
    expect(t.files()).toEqual([]);
  });

  it.each([
    ["Image/PNG; charset=x", "a.bin", "image/png"],
    [null, "a.webp", "image/webp"],
    ["application/x-www-form-urlencoded", "a.mp4", "video/mp4"],
    ["application/octet-stream", "a.unknown", "application/octet-stream"],
    ["text/html\r\nx: y", "a", "application/octet-stream"],
    ["nonsense", "a.json", "application/json"],
  ])("upload() takes content type %j of %s for %s", async (contentType, fileName, expected) => {
    await using t = await setUp();
    expect((await t.put("x", { contentType, filePath: fileName })).asset.contentType).toBe(expected);
  });

  it("upload() takes an empty file that comes without a body", async () => {
    await using t = await setUp();
    const { asset } = await t.put("", { body: null });
    expect(asset.sizeBytes).toBe(0);
    const response = await t.get(asset);
    expect([response.headers.get("content-length"), await response.text()]).toEqual(["0", ""]);
  });
});

describe("download()", () => {
  it("download() sends the whole file with headers that keep a browser from running it", async () => {
    await using t = await setUp();
    const { asset } = await t.put("0123456789");
    const response = await t.get(asset);
    expect([response.status, await response.text()]).toEqual([200, "0123456789"]);
    expect(Object.fromEntries(response.headers)).toEqual({
      "content-type": "image/png",
      "content-length": "10",
      "content-disposition": `inline; filename="a.png"; filename*=UTF-8''a.png`,
      "content-security-policy": "sandbox",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=31536000, immutable",
      etag: `"${asset.sha256}"`,
      "last-modified": new Date(1_000_000).toUTCString(),
      vary: "authorization",
    });
  });

  it("download() sends one range, ignores several, and answers 416 to one outside", async () => {
    await using t = await setUp();
    const { asset } = await t.put("0123456789");
    const part = await t.get(asset, { range: "bytes=2-4" });
    expect([part.status, part.headers.get("content-range"), part.headers.get("content-length")]).toEqual(
      [206, "bytes 2-4/10", "3"],
    );
    expect(await part.text()).toBe("234");
    expect(await (await t.get(asset, { range: "bytes=-2" })).text()).toBe("89");
    const several = await t.get(asset, { range: "bytes=0-1,3-4" });
    expect([several.status, await several.text()]).toEqual([200, "0123456789"]);
    const outside = await t.get(asset, { range: "bytes=10-" });
    expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    expect(await outside.json()).toMatchObject({ error: { code: "range_not_satisfiable" } });
  });

  it("download() answers HEAD with the headers alone", async () => {
    await using t = await setUp();
    const { asset } = await t.put("0123456789");
    const response = await t.get(asset, { range: "bytes=2-4" }, "HEAD");
    expect([response.status, response.headers.get("content-length"), response.body]).toEqual([200, "10", null]);
  });

  it.each<[Record<string, string>, number]>([
    [{ "if-none-match": "ETAG" }, 304],
    [{ "if-none-match": 'W/"x", W/ETAG' }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-modified-since": "DATE" }, 304],
    [{ "if-modified-since": "Thu, 01 Jan 1970 00:00:01 GMT" }, 200],
    [{ "if-modified-since": "never" }, 200],
    [{ "if-none-match": '"x"', "if-modified-since": "DATE" }, 200],
    [{ range: "bytes=1-1", "if-range": "ETAG" }, 206],
    [{ range: "bytes=1-1", "if-range": "DATE" }, 206],
    [{ range: "bytes=1-1", "if-range": '"x"' }, 200],
    [{ range: "bytes=1-1", "if-range": "W/ETAG" }, 200],
    [{ range: "bytes=99-", "if-range": '"x"' }, 200],
    [{ range: "bytes=99-", "if-none-match": "ETAG" }, 304],
  ])("download() with %j answers %i", async (headers, status) => {
    await using t = await setUp();
    const { asset } = await t.put("0123456789");
    const fill = (value: string) =>
      value.replace("ETAG", `"${asset.sha256}"`).replace("DATE", new Date(1_000_000).toUTCString());
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
    const response = await t.get(asset, filled);
    expect(response.status).toBe(status);
    expect(response.headers.get("etag")).toBe(`"${asset.sha256}"`);
    expect(response.body === null).toBe(status === 304);
    await response.body?.cancel();
  });

  it("download() and get() answer the same for a stranger's, an unknown and an impossible id", async () => {
    await using t = await setUp();
    const { asset } = await t.put("hello");
    const request = new Request("http://edge/");
    const port = t.assets;
    const errors = [
      await failureOf(t.assets.download(t.stranger, asset.id, request)),
      await failureOf(t.assets.download(t.caller, newAssetId(), request)),
      await failureOf(t.assets.download(t.caller, "../../etc/passwd", request)),
      await failureOf(port.get(t.stranger, asset.id)),
      await failureOf(port.get(t.caller, newAssetId())),
    ];
    expect(new Set(errors.map((error) => JSON.stringify(error.toEnvelope())))).toHaveLength(1);
    expect(errors[0]?.code).toBe("not_found");
  });

  it("download() fails when the bytes behind a row are missing or another size", async () => {
    await using t = await setUp();
    const { asset: missing } = await t.store.createAsset(sampleAsset(t.caller.tenantId));
    await expect(t.get(missing)).rejects.toThrow(/missing or damaged/);
    await t.put("hello");
    const wrong = sampleAsset(t.caller.tenantId, { sha256: sha256("hello"), sizeBytes: 6, filePath: "b.png" });
    await expect(t.get((await t.store.createAsset(wrong)).asset)).rejects.toThrow(/missing or damaged/);
  });
});

describe("contentDisposition()", () => {
  it.each([
    ["image/svg+xml", "attachment"],
    ["text/html", "attachment"],
    ["application/pdf", "attachment"],
    ["image/jpeg", "inline"],
    ["video/mp4", "inline"],
    ["audio/flac", "inline"],
  ])("contentDisposition() of %s is %s", (contentType, expected) => {
    expect(contentDisposition("a", contentType).split(";")[0]).toBe(expected);
  });

  it("contentDisposition() lets no name out of its quotes", () => {
    const name = `a"; x="\\ ü%27 (1)*\ud800.png`;
    const header = contentDisposition(name, "image/png");
    expect(header).toMatch(/^inline; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[\w.!~%-]+$/);
    expect(decodeURIComponent(header.split("''")[1] ?? "")).toBe(name.toWellFormed());
    expect(new Headers({ "content-disposition": header }).get("content-disposition")).toBe(header);
  });
});

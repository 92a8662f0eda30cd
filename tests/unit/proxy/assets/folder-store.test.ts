import { createHash } from "node:crypto";
import { mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blake3 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { PACE_BYTES } from "../../../../proxy/assets/blob-writer.ts";
import { createFolderStore } from "../../../../proxy/assets/folder-store.ts";
import { newTenantId, sha256 } from "../store/samples.ts";
import { bytes, failureOf, streamOf, temporaryBlobs } from "./folder.ts";

const options = () => ({ maxBytes: 1_000, blake3: true, signal: new AbortController().signal });

describe("put()", () => {
  it("put() hashes what it streams and keeps it under tenant and hash, privately", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const { body } = streamOf([bytes("hel"), bytes(""), bytes("lo")]);
    const blob = await folder.blobs.put(tenantId, body, options());
    expect(blob).toEqual({ sha256: sha256("hello"), blake3: await blake3("hello"), sizeBytes: 5 });
    const path = `${tenantId}/${blob.sha256.slice(0, 2)}/${blob.sha256}`;
    expect(folder.files()).toEqual([path]);
    expect((statSync(join(folder.root, path)).mode & 0o777).toString(8)).toBe("600");
    expect(await folder.blobs.touch(tenantId, blob.sha256)).toBe(5);
    expect(await folder.blobs.touch(newTenantId(), blob.sha256)).toBeNull();
  });

  it("put() computes blake3 only when asked, and takes empty files", async () => {
    await using folder = await temporaryBlobs();
    const blob = await folder.blobs.put(newTenantId(), streamOf([]).body, { ...options(), blake3: false });
    expect(blob).toEqual({ sha256: sha256(""), blake3: null, sizeBytes: 0 });
  });

  it("put() takes exactly as much as allowed, and refuses one byte more without reading on", async () => {
    await using folder = await temporaryBlobs();
    const full = streamOf([new Uint8Array(600), new Uint8Array(400)]);
    expect(await folder.blobs.put(newTenantId(), full.body, options())).toMatchObject({ sizeBytes: 1_000 });
    const kept = folder.files();
    const over = streamOf([new Uint8Array(600), new Uint8Array(401), new Uint8Array(1)], "hangs");
    const error = await failureOf(folder.blobs.put(newTenantId(), over.body, options()));
    expect(error).toMatchObject({ code: "payload_too_large", details: { maxBytes: 1_000 } });
    await over.canceled;
    expect(folder.files()).toEqual(kept);
  });

  it.each(["breaks", "hangs", "is aborted"] as const)("put() keeps nothing of an upload that %s", async (how) => {
    await using folder = await temporaryBlobs({ stallTimeoutMs: how === "hangs" ? 30 : 10_000 });
    const { body } = streamOf([bytes("half of it")], how === "breaks" ? "breaks" : "hangs");
    const stop = new AbortController();
    const put = folder.blobs.put(newTenantId(), body, { ...options(), signal: stop.signal });
    if (how === "is aborted") {
      await expect.poll(() => folder.files().length).toBe(1);
      // Not a DOMException, as one of the servers does it.
      stop.abort("connection closed");
    }
    const error = await failureOf(put);
    expect(error).toMatchObject({ code: "upload_interrupted", retryable: true });
    expect(folder.files()).toEqual([]);
  });

  it("put() gives up an upload that drips, and takes a slow one that goes on", async () => {
    await using folder = await temporaryBlobs({ stallTimeoutMs: 200 });
    const every20Ms = (chunk: Uint8Array, count: number) =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          if (count-- > 0) controller.enqueue(chunk);
          else controller.close();
        },
      }, { highWaterMark: 0 });
    const limits = { ...options(), maxBytes: 1_000_000 };
    const drip = await failureOf(folder.blobs.put(newTenantId(), every20Ms(new Uint8Array(1), 500), limits));
    expect(drip).toMatchObject({ code: "upload_interrupted", retryable: true });
    expect(folder.files()).toEqual([]);
    const slow = await folder.blobs.put(newTenantId(), every20Ms(new Uint8Array(PACE_BYTES), 20), limits);
    expect(slow).toMatchObject({ sizeBytes: 20 * PACE_BYTES });
  });

  it("put() refuses bytes that are not those announced, and keeps nothing", async () => {
    await using folder = await temporaryBlobs();
    const put = (expected: { sha256: string; sizeBytes?: number }) =>
      folder.blobs.put(newTenantId(), streamOf([bytes("hello")]).body, { ...options(), expected });
    expect((await failureOf(put({ sha256: sha256("other") }))).code).toBe("hash_mismatch");
    expect((await failureOf(put({ sha256: sha256("hello"), sizeBytes: 4 }))).code).toBe("hash_mismatch");
    expect(folder.files()).toEqual([]);
    expect(await put({ sha256: sha256("hello"), sizeBytes: 5 })).toMatchObject({ sizeBytes: 5 });
  });

  it("put() of equal bytes at the same time ends in one whole file", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const chunks = Array.from({ length: 50 }, (_, i) => bytes(`chunk ${i}`));
    const put = () => folder.blobs.put(tenantId, streamOf(chunks).body, options());
    const stored = await Promise.all(Array.from({ length: 8 }, put));
    expect(new Set(stored.map((blob) => blob.sha256)).size).toBe(1);
    expect(folder.files()).toHaveLength(1);
    const opened = await folder.blobs.open(tenantId, stored[0]?.sha256 ?? "");
    const whole = createHash("sha256").update(await new Response(opened?.body).bytes()).digest("hex");
    expect(whole).toBe(stored[0]?.sha256);
  });

  it("put(), open(), touch() and delete() refuse tenants and hashes that are none", async () => {
    await using folder = await temporaryBlobs();
    const hostile = "../../../etc/passwd";
    await expect(folder.blobs.open(newTenantId(), hostile)).rejects.toThrow();
    await expect(folder.blobs.touch(`tenant_${hostile}`, sha256("x"))).rejects.toThrow();
    await expect(folder.blobs.delete(newTenantId(), hostile, Infinity)).rejects.toThrow();
    await expect(folder.blobs.put(`tenant_${hostile}`, streamOf([]).body, options())).rejects.toThrow();
    expect(folder.files()).toEqual([]);
  });
});

describe("open()", () => {
  it("open() streams the whole file or a part, inclusive at both ends", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const blob = await folder.blobs.put(tenantId, streamOf([bytes("0123456789")]).body, options());
    const read = async (range?: { start: number; end: number }) => {
      const opened = await folder.blobs.open(tenantId, blob.sha256, range);
      return { text: await new Response(opened?.body).text(), sizeBytes: opened?.sizeBytes };
    };
    expect(await read()).toEqual({ text: "0123456789", sizeBytes: 10 });
    expect(await read({ start: 2, end: 4 })).toEqual({ text: "234", sizeBytes: 10 });
    expect(await read({ start: 9, end: 9 })).toEqual({ text: "9", sizeBytes: 10 });
    expect(await folder.blobs.open(tenantId, sha256("unknown"))).toBeNull();
  });

  it("open() streams files larger than its chunks, and can be left at any time", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const large = new Uint8Array(1_000_003).map((_, i) => i % 251);
    const put = { ...options(), maxBytes: 2_000_000 };
    const blob = await folder.blobs.put(tenantId, streamOf([large]).body, put);
    const opened = await folder.blobs.open(tenantId, blob.sha256);
    expect(Buffer.compare(await new Response(opened?.body).bytes(), large)).toBe(0);
    const left = await folder.blobs.open(tenantId, blob.sha256);
    const reader = left?.body.getReader();
    await reader?.read();
    await reader?.cancel();
    const unread = await folder.blobs.open(tenantId, blob.sha256);
    await unread?.body.cancel();
  });

  it("open() errors when the file became shorter, instead of ending early", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const blob = await folder.blobs.put(tenantId, streamOf([bytes("0123456789")]).body, options());
    const opened = await folder.blobs.open(tenantId, blob.sha256);
    truncateSync(join(folder.root, folder.files()[0] ?? ""), 4);
    await expect(new Response(opened?.body).text()).rejects.toThrow(/ends before byte 9/);
  });
});

describe("delete()", () => {
  it("delete() removes what is older than told, once, and says whether it did", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const blob = await folder.blobs.put(tenantId, streamOf([bytes("hello")]).body, options());
    expect(await folder.blobs.delete(tenantId, blob.sha256, Date.now() - 60_000)).toBe(false);
    expect(await folder.blobs.delete(tenantId, blob.sha256, Date.now() + 60_000)).toBe(true);
    expect(await folder.blobs.delete(tenantId, blob.sha256, Date.now() + 60_000)).toBe(false);
    expect(await folder.blobs.touch(tenantId, blob.sha256)).toBeNull();
    expect(folder.files()).toEqual([]);
  });
});

describe("read()", () => {
  it("read() has what was stored a moment ago at hand, and nothing of what was deleted", async () => {
    await using folder = await temporaryBlobs();
    const [tenantId, another] = [newTenantId(), newTenantId()];
    const { sha256: hash } = await folder.blobs.put(tenantId, streamOf([bytes("he"), bytes("llo")]).body, options());
    const [stored = ""] = folder.files();
    rmSync(join(folder.root, stored));
    expect(Buffer.from(await folder.blobs.read(tenantId, hash) ?? []).toString()).toBe("hello");
    expect(await folder.blobs.read(another, hash)).toBeNull();
    await folder.blobs.put(tenantId, streamOf([bytes("hello")]).body, options());
    expect(await folder.blobs.delete(tenantId, hash, Date.now() + 60_000)).toBe(true);
    expect(await folder.blobs.read(tenantId, hash)).toBeNull();
  });
});

describe("listOlder()", () => {
  it("listOlder() lists every tenant's blobs that were not touched since", async () => {
    await using folder = await temporaryBlobs();
    const keys = [];
    for (const text of ["a", "b"]) {
      const tenantId = newTenantId();
      await folder.blobs.put(tenantId, streamOf([bytes(text)]).body, options());
      keys.push({ tenantId, sha256: sha256(text) });
    }
    const list = (beforeMs: number) => Array.fromAsync(folder.blobs.listOlder(beforeMs));
    expect((await list(Date.now() + 60_000)).toSorted((a, b) => a.tenantId < b.tenantId ? -1 : 1)).toEqual(keys);
    expect(await list(Date.now() - 60_000)).toEqual([]);
  });
});

describe("createFolderStore()", () => {
  it("createFolderStore() removes what an earlier process left half-written, and nothing else", async () => {
    await using folder = await temporaryBlobs();
    await folder.blobs.put(newTenantId(), streamOf([bytes("kept")]).body, options());
    const kept = folder.files();
    mkdirSync(join(folder.root, "tmp"), { recursive: true });
    writeFileSync(join(folder.root, "tmp", "half"), "half");
    await createFolderStore({ root: folder.root });
    expect(folder.files()).toEqual(kept);
  });
});

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { newTenantId, sha256 } from "../store/samples.ts";
import { bytes, failureOf, streamOf, temporaryBlobs } from "./folder.ts";

const options = () => ({ maxBytes: 1_000, blake3: true, signal: new AbortController().signal });

describe("a disk that fails", () => {
  it("leaves nothing that is believed to be stored, until it is stored again", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const put = () => folder.blobs.put(tenantId, streamOf([bytes("hello")]).body, options());
    const probe = await open(folder.root, "r");
    const handles = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    const { sync } = handles;
    // The file's is the first: by the time of its folder's it has its name.
    let syncs = 0;
    handles.sync = function failing(this: FileHandle) {
      return ++syncs === 1 ? sync.call(this) : Promise.reject(new Error("EIO"));
    };
    await expect(put().finally(() => (handles.sync = sync))).rejects.toThrow("EIO");
    expect(folder.files()).toHaveLength(1);
    expect(await folder.blobs.touch(tenantId, sha256("hello"))).toBeNull();
    await put();
    expect(await folder.blobs.touch(tenantId, sha256("hello"))).toBe(5);
  });
});

describe("putSmall()", () => {
  it("putSmall() keeps bytes under tenant and hash like any others, over those that are there", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const name = sha256("hello");
    const path = `${tenantId}/${name.slice(0, 2)}/${name}`;
    for (let round = 0; round < 2; round++) {
      await folder.blobs.putSmall(tenantId, name, bytes("hello"));
      expect(folder.files()).toEqual([path]);
    }
    expect((statSync(join(folder.root, path)).mode & 0o777).toString(8)).toBe("600");
    expect(readFileSync(join(folder.root, path), "utf8")).toBe("hello");
    expect(new TextDecoder().decode(await folder.blobs.read(tenantId, name) ?? undefined)).toBe("hello");
    expect(await folder.blobs.touch(tenantId, name)).toBe(5);
  });

  it("putSmall() keeps nothing of other bytes, and nothing where there is no room", async () => {
    await using folder = await temporaryBlobs();
    const tenantId = newTenantId();
    const wrong = await failureOf(folder.blobs.putSmall(tenantId, sha256("hello"), bytes("hullo")));
    expect(wrong).toMatchObject({ code: "hash_mismatch" });
    // A folder has the blob's name: it cannot be moved there.
    const name = sha256("hello");
    mkdirSync(join(folder.root, tenantId, name.slice(0, 2), name, "in the way"), { recursive: true });
    await expect(folder.blobs.putSmall(tenantId, name, bytes("hello"))).rejects.toMatchObject({ code: "EISDIR" });
    expect(folder.files()).toEqual([]);
  });
});

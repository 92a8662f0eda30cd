import { type FileHandle, open } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { newTenantId, sha256 } from "../store/samples.ts";
import { bytes, streamOf, temporaryBlobs } from "./folder.ts";

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

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeFolder } from "../../../cli/files/make-folder.ts";

describe("makeFolder()", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "comfyfleet-folder-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("makes a folder with its parents, each with the mode, and again without complaint", () => {
    const path = join(root, "a", "b", "c/");
    makeFolder(path, 0o700);
    makeFolder(path, 0o700);
    for (const folder of [path, join(root, "a")]) expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("ends where nothing can be made and the parent says 'no such file'", () => {
    expect(() => makeFolder("/proc/nothing/here")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  it("says so when a file is in its place or on the way to it", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    expect(() => makeFolder(file)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(() => makeFolder(join(file, "below"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  });
});

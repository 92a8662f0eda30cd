import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nextSaveName } from "../../../../fake-comfy/nodes/save-name.ts";

const size = { width: 64, height: 32 };
let root = "";
beforeEach(() => root = mkdtempSync(join(tmpdir(), "save-name-")));
afterEach(() => rmSync(root, { recursive: true }));

describe("nextSaveName()", () => {
  it("nextSaveName() starts at 1 in a new folder and after the highest in an old one", async () => {
    expect(await nextSaveName(root, "a/b/x", size)).toMatchObject({ name: "x", counter: 1, subfolder: "a/b" });
    for (const name of ["x_00003_.png", "x_00012_.png", "xy_00099_.png", "x_.png", "x_7.txt"]) {
      writeFileSync(join(root, "a/b", name), "");
    }
    expect((await nextSaveName(root, "a/b/x", size)).counter).toBe(13);
  });

  it("nextSaveName() fills in placeholders", async () => {
    const year = new Date().getFullYear();
    expect(await nextSaveName(root, "%year%/%width%x%height%", size)).toMatchObject({
      name: "64x32",
      subfolder: String(year),
    });
  });

  it.each(["../x", "a/../../x", "/elsewhere/x"])("nextSaveName(%s) throws", async (prefix) => {
    await expect(nextSaveName(root, prefix, size)).rejects.toThrow("outside the output folder is not allowed");
  });

  it("nextSaveName() does not follow a link out of the folder", async () => {
    symlinkSync(tmpdir(), join(root, "out"));
    await expect(nextSaveName(root, "out/x", size)).rejects.toThrow("not allowed");
  });
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeTree, SMALL_BYTES } from "../../../../agent/attempts/remove-tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cf-tree-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("removeTree()", () => {
  it.each([[1, 1], [3, 4], [1, 40], [20, 2]])("removes %i folders of %i files each", async (folders, files) => {
    for (let at = 0; at < folders; at++) {
      const inside = join(folder, "tree", `folder-${at}`);
      mkdirSync(inside, { recursive: true });
      for (let file = 0; file < files; file++) writeFileSync(join(inside, String(file)), "x");
    }
    writeFileSync(join(folder, "beside"), "x");
    await removeTree(join(folder, "tree"));
    expect(readdirSync(folder)).toEqual(["beside"]);
  });

  it("removes large files", async () => {
    mkdirSync(join(folder, "tree"));
    writeFileSync(join(folder, "tree/large"), new Uint8Array(SMALL_BYTES + 1));
    writeFileSync(join(folder, "tree/small"), "x");
    await removeTree(join(folder, "tree"));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("removes links, and nothing of what they lead to", async () => {
    mkdirSync(join(folder, "kept"));
    writeFileSync(join(folder, "kept/file"), "x");
    mkdirSync(join(folder, "tree"));
    symlinkSync(join(folder, "kept"), join(folder, "tree/link"));
    symlinkSync(join(folder, "kept"), join(folder, "other"));
    await removeTree(join(folder, "tree"));
    await removeTree(join(folder, "other"));
    expect(readdirSync(folder, { recursive: true }).map(String).toSorted()).toEqual(["kept", "kept/file"]);
  });

  it("does nothing where there is none, and says when it cannot", async () => {
    await removeTree(join(folder, "none"));
    writeFileSync(join(folder, "file"), "x");
    await expect(removeTree(join(folder, "file/inside"))).rejects.toThrow("ENOTDIR");
  });
});

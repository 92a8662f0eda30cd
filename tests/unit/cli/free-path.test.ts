import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePath } from "../../../cli/files/free-path.ts";

describe("freePath()", () => {
  it("counts up where a file stands, and never leaves the folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "free-path-"));
    try {
      expect(freePath(folder, "a.png")).toBe(join(folder, "a.png"));
      writeFileSync(join(folder, "a.png"), "");
      writeFileSync(join(folder, "a-2.png"), "");
      expect(freePath(folder, "a.png")).toBe(join(folder, "a-3.png"));
      expect(freePath(folder, "../../a.txt")).toBe(join(folder, "a.txt"));
      expect(freePath(folder, "..\\b\\")).toBe(join(folder, "output"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findChromium } from "../../support/browser/find-chromium.ts";

const folder = mkdtempSync(join(tmpdir(), "comfyfleet-find-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("findChromium()", () => {
  it("takes the program that CHROMIUM names, else one on PATH, and nothing that cannot be run", () => {
    const path = join(folder, "chromium");
    expect(findChromium({ PATH: folder })).toBeNull();
    writeFileSync(path, "");
    chmodSync(path, 0o600);
    expect(findChromium({ PATH: folder })).toBeNull();
    chmodSync(path, 0o700);
    expect(findChromium({ PATH: `/nowhere:${folder}` })).toBe(path);
    expect(findChromium({ PATH: "", CHROMIUM: path })).toBe(path);
    expect(findChromium({ PATH: folder, CHROMIUM: join(folder, "other") })).toBeNull();
    expect(findChromium({})).toBeNull();
  });
});

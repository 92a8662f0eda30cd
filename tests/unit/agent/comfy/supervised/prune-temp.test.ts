import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pruneTemp } from "../../../../../agent/comfy/supervised/prune-temp.ts";

const NOW_MS = 1_700_000_000_000;
const LIMITS = { maxAgeMs: 1_000_000, maxBytes: 100, keepMs: 10_000 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cf-temp-"));
  mkdirSync(join(folder, "deep"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, sizeBytes: number, ageMs: number): void {
  const path = join(folder, name);
  writeFileSync(path, "x".repeat(sizeBytes));
  utimesSync(path, (NOW_MS - ageMs) / 1_000, (NOW_MS - ageMs) / 1_000);
}

const files = () => readdirSync(folder, { recursive: true }).map(String).filter((name) => name !== "deep").sort();

describe("pruneTemp()", () => {
  it("deletes what is too old, whatever the size", async () => {
    put("deep/old", 1, 1_000_001);
    put("young", 1, 999_999);
    expect(await pruneTemp(folder, LIMITS, NOW_MS)).toBe(1);
    expect(files()).toEqual(["young"]);
  });

  it("deletes the oldest of too many bytes, and nothing that a run may still name", async () => {
    put("a", 60, 30_000);
    put("deep/b", 60, 20_000);
    put("c", 60, 5_000);
    put("d", 60, 1_000);
    expect(await pruneTemp(folder, LIMITS, NOW_MS)).toBe(2);
    expect(files()).toEqual(["c", "d"]);
  });

  it("does not mind a folder that is not there", async () => {
    expect(await pruneTemp(join(folder, "none"), LIMITS, NOW_MS)).toBe(0);
  });
});

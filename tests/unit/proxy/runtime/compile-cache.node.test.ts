import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const module = new URL("../../../../proxy/runtime/compile-cache.node.ts", import.meta.url).href;
const imported = new URL("../../../../proxy/signals.ts", import.meta.url).href;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cf-compile-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** In a process of its own, because the cache is the process's. */
async function importWithCache(dataDir: string | undefined): Promise<void> {
  const script = `const { keepCompiledCode } = await import(${JSON.stringify(module)});
    keepCompiledCode(${JSON.stringify(dataDir)});
    await import(${JSON.stringify(imported)});`;
  // Set at all, each of them would decide instead; undefined is unset.
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined };
  await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env, cwd: folder });
}

describe("keepCompiledCode()", () => {
  it("keeps compiled code in the data folder, which only its owner may enter", async () => {
    const dataDir = join(folder, "edge");
    await importWithCache(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(dataDir, "compile-cache"))).not.toEqual([]);
  });

  it("keeps nothing without a folder, and lets a folder that cannot be made be found by others", async () => {
    await importWithCache(undefined);
    writeFileSync(join(folder, "file"), "");
    await importWithCache(join(folder, "file", "edge"));
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});

/** Proves the step `deno check`: with the repository's deno.json it fails on each wrong fixture and passes the right one. */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { denoCheck, denoFiles } from "../run/static-checks.ts";

const root = resolve(import.meta.dirname, "../..");

describe("deno check", () => {
  const repository = mkdtempSync(join(tmpdir(), "comfyfleet-deno-check-"));

  const check = (path: string) => {
    const { command, args, deadlineMs } = denoCheck([path]);
    const options = { cwd: repository, encoding: "utf8", timeout: deadlineMs } as const;
    return spawnSync(join(root, "node_modules/.bin", command), args, options);
  };

  beforeAll(() => {
    cpSync(join(root, "deno.json"), join(repository, "deno.json"));
    symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
    cpSync(join(import.meta.dirname, "fixtures/deno-check"), repository, { recursive: true });
  });

  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  it.each([
    ["proxy/wrong.deno.ts", "TS2322"],
    ["proxy/unknown.deno.ts", "TS2339"],
  ])("fails on %s with %s", (path, code) => {
    const { status, stderr } = check(path);
    expect(status, stderr).toBe(1);
    expect(stderr).toContain(code);
  });

  it("passes a right file", () => {
    const { status, stderr } = check("proxy/right-allowed.deno.ts");
    expect(status, stderr).toBe(0);
  });

  it("reads every *.deno.ts of the tree", () => {
    const all = globSync("*/**/*.deno.ts", { cwd: root, exclude: ["node_modules", "dist", "tests/lint/fixtures"] });
    expect(denoFiles().sort()).toEqual(all.sort());
    expect(all).not.toEqual([]);
  });
});

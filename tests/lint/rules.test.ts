/**
 * Proves every lint rule by name: it fires on each of its fixtures, stays silent on those named "allowed", and on the tree.
 * The fixtures of all rules are laid out as one small repository with the real configuration, so one run answers for all.
 */
import { execFile } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

const root = resolve(import.meta.dirname, "../..");
const fixtures = join(import.meta.dirname, "fixtures");
/** Every folder but the one of deno-check.test.ts. */
const ruleNames = readdirSync(fixtures).filter((name) => name !== "deno-check").sort();
const reportSchema = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string(), message: z.string() })),
});
const configSchema = z.object({ rules: z.record(z.string(), z.unknown()) });

function lint(folder: string): Promise<z.infer<typeof reportSchema>["diagnostics"]> {
  return new Promise((settle, fail) => {
    const options = { cwd: folder, maxBuffer: 16 << 20, timeout: 50_000 };
    execFile(
      join(root, "node_modules/.bin/oxlint"),
      ["--type-aware", "-f", "json"],
      options,
      (error, stdout, stderr) => {
        // Exit code 1 is what a lint error gives; anything that is no report is a broken run.
        try {
          settle(reportSchema.parse(JSON.parse(stdout)).diagnostics);
        } catch {
          fail(new Error(`Cannot lint ${folder}: ${stderr}${stdout}`, { cause: error }));
        }
      },
    );
  });
}

function fixtureFiles(rule: string): string[] {
  return globSync("**/*.ts", { cwd: join(fixtures, rule) }).sort();
}

describe("lint rules", () => {
  const repository = mkdtempSync(join(tmpdir(), "comfyfleet-lint-"));
  const fired = new Map<string, Set<string>>();

  beforeAll(async () => {
    for (const file of [".oxlintrc.json", "tsconfig.json"]) cpSync(join(root, file), join(repository, file));
    cpSync(import.meta.dirname, join(repository, "tests/lint"), {
      recursive: true,
      filter: (path) => !path.startsWith(fixtures) && !path.endsWith(".test.ts"),
    });
    symlinkSync(join(root, "node_modules"), join(repository, "node_modules"));
    writeFileSync(join(repository, "package.json"), "{}");
    for (const rule of ruleNames) {
      cpSync(join(fixtures, rule), repository, { recursive: true, force: false, errorOnExist: true });
    }
    for (const { code, filename } of await lint(repository)) {
      const rule = /\(([^)]+)\)/.exec(code)?.[1] ?? code;
      const files = fired.get(rule) ?? new Set();
      fired.set(rule, files.add(filename));
    }
  });

  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  it.each(ruleNames)("%s fires on its fixtures and on nothing that is allowed", (rule) => {
    const files = fixtureFiles(rule);
    const expected = files.filter((file) => !basename(file).includes("allowed"));
    expect(expected).not.toEqual([]);
    expect(files.filter((file) => fired.get(rule)?.has(file) === true)).toEqual(expected);
  });

  it("configuration turns on exactly the rules that have fixtures", () => {
    const { rules } = configSchema.parse(JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8")));
    const on = Object.keys(rules).filter((name) => rules[name] !== "off");
    expect(on.map((name) => name.slice(name.indexOf("/") + 1)).sort()).toEqual(ruleNames);
  });

  it("the tree itself breaks no rule", async () => {
    expect(await lint(root)).toEqual([]);
  });
});

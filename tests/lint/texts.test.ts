/** Proves every rule about texts: what it refuses, what it lets pass, and that the tree itself is clean. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { checkTexts } from "./check-texts.ts";
import { textProblems, treeProblems } from "./text-rules.ts";

/** Joined from parts, so that this file does not itself name what no file may name. */
const registry = ["registry", "npmjs", "org"].join(".");

const refused: readonly (readonly [rule: string, path: string, line: string])[] = [
  ["all-permissions", "package.json", '"start": "deno run -A proxy/main.deno.ts"'],
  ["all-permissions", "docker/compose.yaml", 'command: ["deno", "run", "-A"]'],
  ["all-permissions", "docker/compose.yaml", "  - -A"],
  ["all-permissions", "README.md", "Run `deno run --allow-all proxy/main.deno.ts`."],
  ["all-permissions", "proxy/flags.ts", 'const flags = ["--allow-run=git"];'],
  ["all-permissions", "README.md", "deno run -qA proxy/main.deno.ts"],
  ["all-permissions", "README.md", "deno run -Ar proxy/main.deno.ts"],
  ["all-permissions", "README.md", "deno run -A\\"],
  ["all-permissions", "README.md", "  -qA \\"],
  ["all-permissions", "cli/up/plan.ts", 'const args = ["run", "-qA"];'],
  ["all-permissions", "README.md", "deno run -P proxy/main.deno.ts"],
  ["all-permissions", "README.md", "deno run -P=all proxy/main.deno.ts"],
  ["all-permissions", "README.md", "deno run -qP proxy/main.deno.ts"],
  ["all-permissions", "cli/up/plan.ts", 'spawn("deno", ["run", "-P", entry]);'],
  ["all-permissions", "README.md", "  --permission-set=all proxy/main.deno.ts"],
  ["all-permissions", "tests/e2e/edge.ts", 'run("deno -A"); expect(code).not.toBe(1);'],
  ["all-permissions", "tests/e2e/edge.ts", 'expect(await run("deno", "-A")).not.toContain("x");'],
  ["all-permissions", "tests/e2e/edge.ts", 'expect(x).not.toContain("y"); run("deno", "-A");'],
  ["all-permissions", "cli/up/plan.ts", 'expect(flags).not.toContain("-A");'],
  ["permission-key", "deno.json", '  "permissions": { "default": { "all": true } },'],
  ["permission-key", "proxy/deno.jsonc", '  "test": { "permissions": { "run": true } },'],
  ["permission-key", "deno.json", '  "\\u0070ermissions": { "all": true },'],
  ["all-permissions", "tests/e2e/edge.ts", 'spawn("deno", ["run", "-A", entry]);'],
  ["registry-host", "docs/install.md", `npm install from https://${registry}/comfyfleet`],
  ["registry-host", ".npmrc", `${"registry"}=https://example.org/`],
  ["registry-host", "docker/Dockerfile", `RUN pip install ${"--index-url"} https://example.org comfy`],
  ["machine-path", "tests/support/start.ts", `const cache = "${"/wo"}rk/cache";`],
  ["machine-path", "docs/install.md", `Look into ${"/ro"}ot/.cache.`],
  ["lock-resolved", "package-lock.json", '      "resolved": "https://example.org/zod.tgz",'],
  ["checks-stay-on", "agent/main.ts", "// oxlint-disable-next-line no-console"],
  ["checks-stay-on", "agent/main.ts", "// oxlint-disable-next-line comfyfleet/layers -- shorter"],
  ["checks-stay-on", "agent/main.ts", "// @ts-expect-error"],
];

const accepted: readonly (readonly [path: string, line: string])[] = [
  ["tests/e2e/flags.test.ts", 'expect(flags).not.toContain("--allow-run");'],
  ["tests/e2e/flags.test.ts", 'expect(command.join(" ")).not.toMatch(/ -A( |$)|--allow-all/);'],
  ["docs/install.md", "cp -P a b; curl -Anna; deno run -q --allow-net=-Anna x.ts"],
  ["docs/install.md", "The permissions are in deno.json."],
  ["proxy/flags.ts", 'const flags = ["--allow-net", "--allow-env=NODE_ENV"];'],
  ["docs/ci.md", "See .github/workflows/ci.yml and ./work/list."],
  ["README.md", "A-B tests and the plan-A folder"],
  ["docs/install.md", "Packages come from npm and PyPI."],
  ["agent/main.ts", "// oxlint-disable-next-line no-console -- the log is not open yet"],
];

describe("textProblems()", () => {
  it.each(refused)("%s is reported in %s: %s", (rule, path, line) => {
    expect(textProblems(path, `first\n${line}\n`)).toEqual([expect.stringContaining(`${path}:2: ${rule}: `)]);
  });

  it.each(accepted)("nothing is reported in %s: %s", (path, line) => {
    expect(textProblems(path, `${line}\n`)).toEqual([]);
  });

  it("agents-length is reported above 150 lines", () => {
    expect(textProblems("AGENTS.md", "x\n".repeat(151))).toEqual([expect.stringContaining("agents-length: 151 lines")]);
    expect(textProblems("AGENTS.md", "x\n".repeat(150))).toEqual([]);
  });
});

describe("treeProblems()", () => {
  const flags = 'export const flags = ["--allow-net"];';

  it("deno-flags is reported when two files hold permission flags", () => {
    expect(treeProblems(new Map([["proxy/flags.json", flags], ["cli/up.ts", flags]]))).toEqual([
      "deno-flags: one file holds Deno's permission flags, not proxy/flags.json and cli/up.ts",
    ]);
  });

  it("nothing is reported for one file, documents and tests", () => {
    expect(treeProblems(new Map([["cli/flags.ts", flags], ["README.md", flags], ["tests/a.test.ts", flags]]))).toEqual(
      [],
    );
  });
});

describe("checkTexts()", () => {
  it("reports nothing in the tree", () => {
    expect(checkTexts(resolve(import.meta.dirname, "../.."))).toEqual([]);
  });
});

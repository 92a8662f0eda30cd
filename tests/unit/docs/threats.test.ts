// What is said to stop somebody names the tests that show it: each file is there, and so is each title beside it.
import { globSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const text = readFileSync(`${ROOT}docs/security.md`, "utf8");

/** A file, a folder, or a pattern; without a folder it is the tailnet's. */
const NAMED = /`((?:tests\/[^`\s]+|[\w*-]+\.test\.ts))`(?: \(((?:"[^"]+"(?:, )?)+)\))?/g;

interface Named {
  path: string;
  titles: string[];
}

function namedIn(words: string): Named[] {
  return [...words.matchAll(NAMED)].map(([, name = "", quoted = ""]) => ({
    path: name.startsWith("tests/") ? name : `tests/tailnet/${name}`,
    titles: [...quoted.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? ""),
  }));
}

function filesAt(path: string): string[] {
  return globSync(`${ROOT}${path}`).flatMap((found) =>
    statSync(found).isDirectory() ? globSync(`${found}/**/*.test.ts`) : [found]
  );
}

/** The titles of `it` and `describe`, and the names of their cases. */
function hasTitle(path: string, words: string): boolean {
  const literals = /(?:\(|\[)\s*(["'`])((?:\\.|(?!\1).)*)\1\s*,/gs;
  return filesAt(path).some((file) =>
    [...readFileSync(file, "utf8").matchAll(literals)].some(([, , title = ""]) => title.includes(words))
  );
}

const [, threats = ""] = text.split("\n## Threats\n");
const rows = (threats.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| ")).slice(1);

describe("docs/security.md", () => {
  it("names no test that is not there", () => {
    const named = namedIn(text);
    expect(named.length).toBeGreaterThan(25);
    expect(named.map(({ path }) => path).filter((path) => filesAt(path).length === 0)).toEqual([]);
  });

  it("quotes no title that is in another file, or in none", () => {
    const quoted = namedIn(text).flatMap(({ path, titles }) => titles.map((title) => ({ path, title })));
    expect(quoted.length).toBeGreaterThanOrEqual(6);
    expect(quoted.filter(({ path, title }) => !hasTitle(path, title))).toEqual([]);
  });

  it("names in each row of the threats a test, and nothing that is only part of a name", () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const shownBy = row.split("|").at(-2) ?? "";
      expect(namedIn(shownBy), row).not.toEqual([]);
      const left = [...shownBy.replaceAll(NAMED, "").matchAll(/`[^`]+`/g)].map(([code]) => code);
      expect(left, row).toEqual([]);
    }
  });
});

// Every row about a fault names the tests that show it: files by a letter, tests by a part of their titles.
import { globSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const text = readFileSync(`${ROOT}docs/operations.md`, "utf8");

/** What a letter stands for: a file, or a folder with all files in it. */
const FILES = new Map(
  [...text.matchAll(/\b([A-Z]\d?) = `(tests\/[^`]+)`/g)].map((match) => [match[1] ?? "", match[2] ?? ""]),
);

/** A string after `it(`, or after the `)(` of `it.each(…)(`. */
const TITLE = /(?:\bit(?:\.\w+)?(?:<[^>]*>)?\(|\)\()\s*(["'`])((?:\\.|(?!\1).)*)\1\s*,/gs;
const ENTRY = /^([A-Z]\d?(?:, [A-Z]\d?)*): (`[^`]+`(?:, `[^`]+`)*)$/;

/** Rows of every table whose last column is "shown by". */
function rows(): string[][] {
  return text.split("\n\n").flatMap((block) => {
    const lines = block.split("\n").filter((line) => line.startsWith("|")).map((line) =>
      line.split("|").slice(1, -1).map((cell) => cell.trim())
    );
    return lines[0]?.at(-1) === "shown by" ? lines.slice(2) : [];
  });
}

/** A title has the words in it; or it begins with what each case puts there, and a case is called so. */
function isTested(path: string, words: string): boolean {
  const files = statSync(`${ROOT}${path}`).isDirectory() ? globSync(`${ROOT}${path}/*.test.ts`) : [`${ROOT}${path}`];
  return files.map((file) => readFileSync(file, "utf8")).some((source) => {
    const titles = [...source.matchAll(TITLE)].map((match) => match[2] ?? "");
    if (titles.some((title) => title.includes(words))) return true;
    return titles.some((title) => title.startsWith("%s")) && source.includes(`"${words}"`);
  });
}

/** Pairs of a letter and a part of a title. */
function namedTests(cell: string): [letter: string, title: string][] {
  return cell.split("; ").flatMap((entry) => {
    const match = ENTRY.exec(entry);
    if (match === null) throw new Error(`Cannot read "${entry}": it is no letter with titles`);
    const titles = [...(match[2] ?? "").matchAll(/`([^`]+)`/g)].map((title) => title[1] ?? "");
    return (match[1] ?? "").split(", ").flatMap((letter) => titles.map((title): [string, string] => [letter, title]));
  });
}

describe("docs/operations.md", () => {
  it.each(rows().map((cells) => ({ symptom: cells[0] ?? "", cell: cells.at(-1) ?? "" })))(
    "names tests that there are for: $symptom",
    ({ cell }) => {
      const absent = namedTests(cell).filter(([letter, title]) => !isTested(FILES.get(letter) ?? "none", title));
      expect(absent).toEqual([]);
    },
  );

  it("has such a column in every table of faults", () => {
    const tables = text.split("\n\n").filter((block) => /^\| symptom \|/m.test(block));
    expect(tables).toHaveLength(3);
    for (const table of tables) expect(table).toMatch(/\| shown by \|\n/);
    expect(rows().length).toBeGreaterThan(80);
  });

  it("uses every letter that it explains", () => {
    const used = new Set<string>(rows().flatMap((cells) => namedTests(cells.at(-1) ?? "")).map(([letter]) => letter));
    expect([...FILES.keys()].filter((letter) => !used.has(letter))).toEqual([]);
  });
});

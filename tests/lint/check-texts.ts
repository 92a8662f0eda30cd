/** Checks every file that git knows or would add against text-rules.ts; prints the problems and fails if there is one. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { textProblems, treeProblems } from "./text-rules.ts";

/** The two files that must name what they refuse. */
const naming: ReadonlySet<string> = new Set(["tests/lint/text-rules.ts", "tests/lint/texts.test.ts"]);

/** The problems of the tree at `root`. */
export function checkTexts(root: string): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  const paths = listed.toString().split("\0").filter((path) =>
    path !== "" && !naming.has(path) && existsSync(join(root, path))
  );
  const files = new Map<string, string>();
  for (const path of paths) {
    const bytes = readFileSync(join(root, path));
    if (!bytes.subarray(0, 8192).includes(0)) files.set(path, bytes.toString("utf8"));
  }
  return [...[...files].flatMap(([path, text]) => textProblems(path, text)), ...treeProblems(files)];
}

if (import.meta.main) {
  const problems = checkTexts(resolve(import.meta.dirname, "../.."));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

/** Every dependency has its line in docs/dependencies.md, at the version that package.json pins. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const root = resolve(import.meta.dirname, "../..");
const versions = z.record(z.string(), z.string());
const manifestSchema = z.object({ dependencies: versions, devDependencies: versions });

describe("docs/dependencies.md", () => {
  const { dependencies, devDependencies } = manifestSchema.parse(
    JSON.parse(readFileSync(resolve(root, "package.json"), "utf8")),
  );
  const rows = readFileSync(resolve(root, "docs/dependencies.md"), "utf8").split("\n").filter((line) =>
    line.startsWith("| `")
  );

  it.each(Object.entries({ ...dependencies, ...devDependencies }))("has a line for %s %s", (name, version) => {
    const lines = rows.filter((row) => row.split("|")[1]?.includes(`\`${name}\``));
    expect(lines).toEqual([expect.stringContaining(version)]);
  });

  it("has no line for what is no dependency", () => {
    const named = rows.flatMap((row) => row.split("|")[1]?.match(/[^`\s,]+/g) ?? []);
    expect(named.sort()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).sort());
  });
});

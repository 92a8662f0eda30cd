import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../../agent/gpu/health/reasons.ts";

describe("docs/operations.md", () => {
  const [, text = ""] = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
    .split("| symptom | reason |");
  const [table = ""] = text.split("\n\n");
  const rows = table.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|").map((cell) => cell.trim())
  );

  it("has every reason of the verdict with its state, action and hint, and no other", () => {
    const told = rows.flatMap(([, , codes = "", state = "", action = "", hint = ""]) =>
      [...codes.matchAll(/`(\w+)`/g)].map((match) => [
        match[1],
        state,
        /`(\w+)`/.exec(action)?.[1],
        /`(\w+)`/.exec(hint)?.[1] ?? null,
      ])
    );
    const inCode = Object.entries(REASONS).map((
      [code, { state, action, nodeHint }],
    ) => [code, state, action, nodeHint]);
    const lines = (table: unknown[][]) => table.map((row) => row.join(" ")).toSorted((a, b) => a.localeCompare(b));
    expect(lines(told)).toEqual(lines(inCode));
  });
});

// Every word that is recorded of a ComfyUI is where operators look for it.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CALM_REASONS, END_REASONS } from "../../../agent/comfy/reasons.ts";

const [, section = ""] = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
  .split("## When ComfyUI misbehaves");
const rows = section.split("\n").filter((line) => line.startsWith("| ")).slice(1)
  .map((line) => line.split("|").map((cell) => cell.trim()));
const prose = section.split("\n| symptom ")[0] ?? "";

/** Words in backticks. */
function words(texts: readonly string[]): Set<string> {
  return new Set(texts.flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")));
}

describe("docs/operations.md, when ComfyUI misbehaves", () => {
  it("has a row for every reason why a ComfyUI is used no more", () => {
    expect(rows.length).toBeGreaterThan(30);
    const shown = words(rows.map(([, , , seen = ""]) => seen));
    expect(END_REASONS.filter((reason) => !shown.has(reason))).toEqual([]);
  });

  it("knows no reason that there is not", () => {
    const known: readonly string[] = [...END_REASONS, ...CALM_REASONS, "ComfyReady"];
    const shown = [...words(rows.map(([, , , seen = ""]) => seen))].filter((word) => /^([A-Z][a-z]+){2,}$/.test(word));
    expect(shown.filter((word) => !known.includes(word))).toEqual([]);
  });

  it("says which reasons are no trouble", () => {
    const told = words([prose]);
    expect(CALM_REASONS.filter((reason) => !told.has(reason))).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FAULTS } from "../../../fake-comfy/faults/registry.ts";

describe("docs/operations.md, when ComfyUI misbehaves", () => {
  const [, section = ""] = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
    .split("## When ComfyUI misbehaves");
  const table = section.split("\n").filter((line) => line.startsWith("| ")).join("\n");

  it.each([...FAULTS.keys()])("names %s in the table of what is shown by which test", (name) => {
    expect(table).toMatch(new RegExp(`\`[^\`]*(?<![\\w-])${name}(?![\\w-])[^\`]*\``));
  });
});

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

function sourceOf(...folders: string[]): string {
  return folders.flatMap((folder) => globSync(`${ROOT}${folder}/**/*.ts`)).map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

/** Log lines begin with a lower-case word or a name, settings and values do not. */
function isLogLine(text: string): boolean {
  return text.includes(" ") && !text.includes(":");
}

describe("docs/operations.md", () => {
  const [, text = ""] = readFileSync(`${ROOT}docs/operations.md`, "utf8").split("| edge's log | meaning |");
  const [table = "", agentPart = ""] = text.split("In the agent's log:");
  const ofEdge = table.split("\n").filter((row) => row.startsWith("| `")).flatMap((row) =>
    quoted(row.split("|")[1] ?? "")
  );
  const ofAgent = quoted(agentPart.split("\n\n")[0] ?? "");

  it.each([
    ["edge", ofEdge, sourceOf("proxy", "contracts")],
    ["agent", ofAgent, sourceOf("agent", "contracts")],
  ])("names log lines that the %s writes", (_process, named, source) => {
    const lines = named.filter(isLogLine);
    expect(lines.length).toBeGreaterThanOrEqual(10);
    expect(lines.filter((line) => !source.includes(`"${line}`))).toEqual([]);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_NAMES as AGENT_NAMES } from "../../../agent/config.ts";
import { CONFIG_NAMES as EDGE_NAMES } from "../../../proxy/config.ts";

function namesIn(section: string): string[] {
  return [...section.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map((match) => match[1] ?? "").toSorted();
}

describe("docs/configuration.md", () => {
  const [, edge = "", agent = ""] = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8")
    .split(/^## (?:Edge|Agent).*$/m);

  it("names every variable of the edge and no other", () => {
    expect(namesIn(edge)).toEqual([...EDGE_NAMES].toSorted());
  });

  it("names every variable of the agent and no other", () => {
    expect(namesIn(agent)).toEqual([...AGENT_NAMES].toSorted());
  });

  it("is what the Deno flags let the edge read", () => {
    const { flags } = JSON.parse(readFileSync(new URL("../../../proxy/deno-flags.json", import.meta.url), "utf8"));
    const allowed: string[] = flags.find((flag: string) => flag.startsWith("--allow-env=")).slice("--allow-env=".length)
      .split(",");
    expect(allowed).toEqual(expect.arrayContaining([...EDGE_NAMES]));
  });
});

// Operators find every state of an agent's node, and every role, in the page that tells them what to do.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TailnetState } from "../../../contracts/tailnet/state.ts";
import { Role } from "../../../contracts/tailnet/words.ts";

const [, section = ""] = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
  .split("## An agent on a tailnet");

function firstCells(header: string): string[] {
  const [, table = ""] = section.split(header);
  return table.split("\n\n")[0]?.split("\n").flatMap((row) => /^\| `(\w+)` \|/.exec(row)?.[1] ?? []) ?? [];
}

describe("docs/operations.md, an agent on a tailnet", () => {
  it("has a row for every state and no other", () => {
    expect(firstCells("| state | meaning | what to do |").toSorted()).toEqual([...TailnetState.options].toSorted());
  });

  it("has a row for every role and no other", () => {
    expect(firstCells("| role | may |").toSorted()).toEqual([...Role.options].toSorted());
  });
});

// The last cases: every route and every message has been tried by the cases before.
import { describe, expect, it } from "vitest";
import { startStandIn } from "../fake-comfy/stand-in.ts";
import { heardMessages, unasked } from "./coverage.ts";
import { DOCUMENTED_MESSAGES, DOCUMENTED_ROUTES } from "./documented.ts";

async function routesOfStandIn(): Promise<string[]> {
  await using standIn = await startStandIn();
  const answer = await fetch(`${standIn.controlUrl}/routes`, { signal: AbortSignal.timeout(10_000) });
  return await answer.json() as string[];
}

export function describeCoverage(): void {
  describe("coverage", () => {
    it("the stand-in has every documented route, and no other", async () => {
      expect((await routesOfStandIn()).toSorted()).toEqual(DOCUMENTED_ROUTES.toSorted());
    });

    it("the cases have asked every route", () => {
      expect(unasked(DOCUMENTED_ROUTES)).toEqual([]);
    });

    it("the cases have heard every message, and none that is not documented", () => {
      expect(heardMessages()).toEqual(DOCUMENTED_MESSAGES.toSorted());
    });
  });
}

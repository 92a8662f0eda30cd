// POST /prompt with graphs that are wrong: the recorded answers, to the word.
import { describe, expect, it } from "vitest";
import { normalizeAnswer, readRecorded } from "../../support/real-comfy/recordings.ts";
import { EXECUTED_CLASSES } from "./introspection-cases.ts";
import type { Target } from "./target.ts";
import { post, settle } from "./wire.ts";

const recorded = await readRecorded("validation.json");

export function describeValidation(target: Target): void {
  const cases = recorded.cases.filter((bad) => target.kind === "real" || isWithinStandIn(bad.graph));

  describe("validation", () => {
    it.each(cases)("POST /prompt answers $status for: $name", async ({ graph, body, status, answer }) => {
      const actual = await post(target.server(), "/prompt", { prompt: graph, ...body });
      await settle(target.server());
      expect({ status: actual.status, answer: normalizeAnswer(actual.json) }).toEqual({ status, answer });
    });
  });
}

/** The stand-in knows 16 classes: graphs over others are refused there for the class, not for what is recorded. */
function isWithinStandIn(graph: Record<string, { class_type?: string }>): boolean {
  return Object.values(graph).every(({ class_type }) =>
    class_type === undefined || class_type === "NoSuchNode" || EXECUTED_CLASSES.includes(class_type)
  );
}

import { describe, expect, it } from "vitest";
import { newValueBudget, pathEscapes, valueProblem } from "../../../contracts/workflow-value.ts";
import { cpuMs } from "../../support/cpu-time.ts";

describe("valueProblem()", () => {
  it("takes every value in the input off the budget, and says when there is none left", () => {
    const budget = { left: 6 };
    expect(valueProblem("a", [1, { b: [2] }], budget)).toBe(null);
    expect(budget).toEqual({ left: 1 });
    expect(valueProblem("a", 1, budget)).toBe(null);
    expect(valueProblem("a", 1, budget)).toContain("1000000 values");
    expect(newValueBudget()).toEqual({ left: 1_000_000 });
  });

  it.each(["filename_prefix", "image", "a.file"])("refuses paths that leave their folder in %s", (field) => {
    expect(valueProblem(field, "../x", newValueBudget())).toContain("'../x' leaves its folder");
    expect(valueProblem("text", "../x", newValueBudget())).toBe(null);
  });
});

describe("pathEscapes()", () => {
  it("takes time in proportion to the path", () => {
    for (const part of ["/", "./", "../x", "a:", " "]) {
      expect(cpuMs(() => pathEscapes(`x${part.repeat(100_000 / part.length)}..`))).toBeLessThan(500);
    }
  });
});

import { describe, expect, it } from "vitest";
import { unableToRun } from "../../run/unable.ts";
import { isGreen } from "../../run/suite-result.ts";

describe("unableToRun()", () => {
  it.each([undefined, "", "false"])("is skipped, with the reason, where CI is %s", (CI) => {
    expect(unableToRun("no namespaces", { CI })).toEqual({
      counts: { failed: 0, skipped: 1 },
      line: "Skipped: the whole suite: no namespaces",
    });
  });

  it.each(["true", "1"])("has failed where CI is %s, so that other suites' tests cannot hide it", (CI) => {
    const { counts, line } = unableToRun("no namespaces", { CI });
    expect(line).toContain("no namespaces");
    const other = { name: "unit", passed: 10, failed: 0, skipped: 0, durationMs: 1 };
    expect(isGreen([other, { name: "tailnet", passed: 0, durationMs: 0, ...counts }])).toBe(false);
  });
});

/** What failed beside other suites is asked again; it must neither be lost nor read as success. */
import { describe, expect, it } from "vitest";
import { afterSecondRun, filesToRunAgain } from "../../run/run-suites.ts";
import type { SuiteResult } from "../../run/suite-result.ts";
import { summary } from "../../run/summary.ts";
import type { Failure } from "../../run/vitest-report.ts";

function failure(file: string, test = "waits"): Failure {
  return { file, test, message: `AssertionError: ${test}\n    at ${file}` };
}

function result({ passed = 10, failures = [] }: { passed?: number; failures?: Failure[] }): SuiteResult {
  return { name: "e2e", passed, failed: failures.length, skipped: 0, durationMs: 1_000, failures };
}

describe("filesToRunAgain()", () => {
  it("names each file of a failed test once", () => {
    const failures = [failure("a"), failure("a", "sees"), failure("b")];
    expect(filesToRunAgain(result({ failures }))).toEqual(["a", "b"]);
  });

  it.each([
    ["nothing failed", result({})],
    ["more than three files failed", result({ failures: ["a", "b", "c", "d"].map((file) => failure(file)) })],
    ["a file failed outside its tests, or the runner has", result({ failures: [failure("a"), failure("b", "")] })],
    ["not every failure is known", { ...result({ failures: [failure("a")] }), failed: 2 }],
  ])("is empty where %s", (_name, first) => {
    expect(filesToRunAgain(first)).toEqual([]);
  });
});

describe("afterSecondRun()", () => {
  const first = result({ passed: 8, failures: [failure("a"), failure("b")] });

  const run = (again: SuiteResult, ...files: string[]) => ({
    result: again,
    passes: files.map((file) => ({ file, test: "waits" })),
  });

  it("counts as passed what passes, and names it", () => {
    expect(afterSecondRun(first, run(result({ passed: 4 }), "a", "b", "c"))).toMatchObject({
      ...{ passed: 10, failed: 0, durationMs: 2_000, failures: [], passedAlone: [failure("a"), failure("b")] },
    });
  });

  it("counts as failed what fails again, and what fails anew", () => {
    const again = result({ passed: 3, failures: [failure("b"), failure("b", "ends")] });
    expect(afterSecondRun(first, run(again, "a"))).toMatchObject({
      ...{ passed: 8, failed: 2, failures: [failure("b"), failure("b", "ends")], passedAlone: [failure("a")] },
    });
  });

  it("counts as failed what is left out of the second run", () => {
    const again = { ...result({ passed: 3 }), skipped: 1 };
    expect(afterSecondRun(first, run(again, "a"))).toMatchObject({
      ...{ passed: 9, failed: 1, failures: [failure("b")], passedAlone: [failure("a")] },
    });
  });

  it("counts a run that never came to its tests as none", () => {
    const crash = failure("e2e", "");
    expect(afterSecondRun(first, run(result({ passed: 0, failures: [crash] })))).toMatchObject({
      ...{ passed: 7, failed: 3, failures: [crash, failure("a"), failure("b")], passedAlone: [] },
    });
  });
});

describe("summary()", () => {
  it("has the reason of each failure, and what passed when it was run again", () => {
    const text = summary([{ ...result({ failures: [failure("a")] }), passedAlone: [failure("b")] }]);
    expect(text).toContain("FAIL e2e");
    expect(text).toContain("Failed:\n    e2e: a > waits\n      AssertionError: waits");
    expect(text).toContain("passed when run again alone:\n    e2e: b > waits");
  });

  it("is short, however much has failed, so that the end of a long log has it", () => {
    const message = "x".repeat(10_000);
    const failures = Array.from({ length: 50 }, (_, index) => ({ file: `file-${index}`, test: "waits", message }));
    const text = summary([result({ failures })]);
    expect(text).toContain("and 40 more");
    expect(text.length).toBeLessThan(8_000);
  });

  it("says of what went well only that", () => {
    expect(summary([result({})])).toBe("\n  ok   e2e  10 passed, 0 failed, 0 skipped  1.0 s\n");
  });
});

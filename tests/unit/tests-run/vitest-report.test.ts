/** The numbers that .ci/run prints come from these functions, so a lost or crashed runner must not read as success. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../run/run-step.ts";
import { countLine, isGreen } from "../../run/suite-result.ts";
import { countReport, readVitestReport } from "../../run/vitest-report.ts";

function file(status: string, ...tests: string[]) {
  const assertionResults = tests.map((test, index) => {
    return { status: test, fullName: `case ${index}`, failureMessages: test === "failed" ? ["Error: not so"] : [] };
  });
  return { name: join(repositoryRoot, "tests/a.test.ts"), status, message: "Error: no such module", assertionResults };
}

describe("countReport()", () => {
  it("adds up passed, failed and every kind of skipped test", () => {
    const testResults = [file("passed", "passed", "pending", "todo"), file("failed", "failed", "passed", "skipped")];
    expect(countReport({ testResults })).toMatchObject({ passed: 2, failed: 1, skipped: 3 });
  });

  it("counts a file that failed outside its tests as one failure", () => {
    expect(countReport({ testResults: [file("failed"), file("failed", "skipped")] })).toMatchObject({
      passed: 0,
      failed: 2,
      skipped: 1,
    });
  });

  it("names what has passed", () => {
    expect(countReport({ testResults: [file("failed", "passed", "failed")] }).passes).toEqual([
      { file: "tests/a.test.ts", test: "case 0" },
    ]);
  });

  it("says where and why each failed", () => {
    expect(countReport({ testResults: [file("failed", "passed", "failed"), file("failed")] }).failures).toEqual([
      { file: "tests/a.test.ts", test: "case 1", message: "Error: not so" },
      { file: "tests/a.test.ts", test: "", message: "Error: no such module" },
    ]);
  });

  it("throws on a report of another shape", () => {
    expect(() => countReport({ numPassedTests: 3 })).toThrow("testResults");
  });
});

describe("readVitestReport()", () => {
  it("returns undefined when the runner wrote no report", async () => {
    expect(await readVitestReport("no-such-folder/report.json")).toBeUndefined();
  });
});

describe("isGreen()", () => {
  const result = { name: "unit", passed: 1, failed: 0, skipped: 0, durationMs: 1 };

  it("is false when a suite failed or no test ran", () => {
    expect(isGreen([result, { ...result, failed: 1 }])).toBe(false);
    expect(isGreen([{ ...result, passed: 0, skipped: 4 }])).toBe(false);
    expect(isGreen([])).toBe(false);
  });

  it("is true when every suite passed", () => {
    expect(isGreen([result, { ...result, passed: 0 }])).toBe(true);
  });
});

describe("countLine()", () => {
  it("adds up the suites", () => {
    const result = { name: "unit", passed: 2, failed: 1, skipped: 3, durationMs: 1 };
    expect(countLine([result, result])).toBe("4 passed, 2 failed, 6 skipped");
  });
});

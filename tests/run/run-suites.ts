/** How a suite is run and counted, and what failed beside others is asked again. */
import { join } from "node:path";
import { runStep } from "./run-step.ts";
import { forgetResult, keepResult, reportPath, type SuiteResult } from "./suite-result.ts";
import type { AtOnce, Suite } from "./suites.ts";
import { readUnhandled, UNHANDLED_PATH } from "./unhandled.ts";
import { readVitestReport, type TestName } from "./vitest-report.ts";

/** So many files may fail for want of a processor; more of them have another reason. */
const MAX_FILES_AGAIN = 3;

/**
 * Runs one group after the other, the suites of each at once. What failed beside other suites, which share the processors
 * with it, is run once more with nothing beside it; failing again it has failed, and passing it is still named.
 */
export async function runSuites(groups: readonly AtOnce[]): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  for (const group of groups) {
    const ended = await Promise.all(group.map(async (suite) => ({ suite, result: await runSuite(suite) })));
    for (const { suite, result } of ended) results.push(group.length > 1 ? await runAgain(suite, result) : result);
  }
  return results;
}

/** Runs the suite and keeps its counts for `total.ts`. */
export async function runSuite(suite: Suite): Promise<SuiteResult> {
  await forgetResult(suite.name);
  const { result } = await runOnce(suite);
  await keepResult(result);
  return result;
}

/** What a run came to, and the tests that have passed in it. */
export interface Run {
  result: SuiteResult;
  passes: readonly TestName[];
}

async function runOnce(suite: Suite): Promise<Run> {
  const report = reportPath(suite.name);
  const [command, ...args] = [...suite.within ?? [], "vitest"];
  const { reason, durationMs } = await runStep({
    name: suite.name,
    command,
    args: [
      ...args,
      "run",
      "--project",
      suite.project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      `--reporter=${join(import.meta.dirname, "unhandled-reporter.ts")}`,
      ...(suite.oneFileAtATime === true ? ["--no-file-parallelism"] : []),
      ...suite.filters ?? [],
    ],
    deadlineMs: suite.deadlineMs,
    env: { ...suite.env, [UNHANDLED_PATH]: `${report}.unhandled` },
  });
  const { passes, ...counts } = await readVitestReport(report) ??
    { passed: 0, failed: 0, skipped: 0, passes: [], failures: [] };
  // Of no test: a file that is run again may not meet it.
  for (const message of await readUnhandled(`${report}.unhandled`)) {
    counts.failed += 1;
    counts.failures.push({ file: suite.name, test: "", message: `nobody handled: ${message}` });
  }
  // No report, an unhandled error after the last test, or no test at all: the runner failed without a failed test.
  if (reason !== undefined && counts.failed === 0) {
    counts.failed = 1;
    counts.failures.push({ file: suite.name, test: "", message: `the runner failed: ${reason}` });
    console.error(`${suite.name}: the runner failed: ${reason}`);
  }
  return { result: { name: suite.name, ...counts, durationMs }, passes };
}

async function runAgain(suite: Suite, first: SuiteResult): Promise<SuiteResult> {
  const files = filesToRunAgain(first);
  if (files.length === 0) return first;
  console.log(`\n${suite.name}: run again with nothing beside it: ${files.join(", ")}`);
  await forgetResult(suite.name);
  const again = await runOnce({ ...suite, filters: files, oneFileAtATime: true });
  const result = afterSecondRun(first, again);
  await keepResult(result);
  return result;
}

/** None where nothing failed, where too much did, and where the runner itself has. */
export function filesToRunAgain({ failed, failures = [] }: SuiteResult): string[] {
  const files = [...new Set(failures.map(({ file }) => file))];
  const isKnown = failures.length === failed && failures.every(({ test }) => test !== "");
  return isKnown && files.length <= MAX_FILES_AGAIN ? files : [];
}

/**
 * A test that failed at first has passed now, or it has failed, also when the second run left it out. Whatever else the
 * second run says counts as well.
 */
export function afterSecondRun(first: SuiteResult, { result: again, passes }: Run): SuiteResult {
  const named = ({ file, test }: TestName) => `${file} > ${test}`;
  const { failures: before = [] } = first;
  const { failures: after = [] } = again;
  const failedAgain = new Set(after.map(named));
  const passed = new Set(passes.map(named));
  const passedAlone = before.filter((failure) => passed.has(named(failure)) && !failedAgain.has(named(failure)));
  const failures = [...after, ...before.filter((one) => !passedAlone.includes(one) && !failedAgain.has(named(one)))];
  return {
    ...first,
    passed: first.passed + first.failed - failures.length,
    failed: failures.length,
    durationMs: first.durationMs + again.durationMs,
    failures,
    passedAlone,
  };
}

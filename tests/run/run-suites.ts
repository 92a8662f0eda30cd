/** How a suite is run and counted, and what failed beside others is asked again. */
import { runStep } from "./run-step.ts";
import { forgetResult, keepResult, reportPath, type SuiteResult } from "./suite-result.ts";
import type { AtOnce, Suite } from "./suites.ts";
import { type Failure, readVitestReport } from "./vitest-report.ts";

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
  const result = await runOnce(suite);
  await keepResult(result);
  return result;
}

async function runOnce(suite: Suite): Promise<SuiteResult> {
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
      ...(suite.oneFileAtATime === true ? ["--no-file-parallelism"] : []),
      ...suite.filters ?? [],
    ],
    deadlineMs: suite.deadlineMs,
    env: suite.env,
  });
  const counts = await readVitestReport(report) ?? { passed: 0, failed: 0, skipped: 0, failures: [] };
  // No report, an unhandled error after the last test, or no test at all: the runner failed without a failed test.
  if (reason !== undefined && counts.failed === 0) {
    counts.failed = 1;
    counts.failures.push({ file: suite.name, test: "", message: `the runner failed: ${reason}` });
    console.error(`${suite.name}: the runner failed: ${reason}`);
  }
  return { name: suite.name, ...counts, durationMs };
}

async function runAgain(suite: Suite, first: SuiteResult): Promise<SuiteResult> {
  const files = filesToRunAgain(first);
  if (files.length === 0) return first;
  console.log(`\n${suite.name}: run again with nothing beside it: ${files.join(", ")}`);
  await forgetResult(suite.name);
  const again = await runOnce({ ...suite, filters: files });
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

/** Each test that failed at first has passed now, or has failed. Whatever else the second run says counts as well. */
export function afterSecondRun(first: SuiteResult, again: SuiteResult): SuiteResult {
  const named = ({ file, test }: Failure) => `${file} > ${test}`;
  const { failures: before = [] } = first;
  const { failures: after = [] } = again;
  const failedAgain = new Set(after.map(named));
  const passedAlone = before.filter((failure) => again.passed > 0 && !failedAgain.has(named(failure)));
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

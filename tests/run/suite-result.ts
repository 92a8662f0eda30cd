/** What one suite (or the group of static checks) came to, kept in a file so that `.ci/run` can add up several commands. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { formatDuration, repositoryRoot } from "./run-step.ts";
import { failureSchema } from "./vitest-report.ts";

const suiteResultSchema = z.strictObject({
  name: z.string(),
  passed: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  skipped: z.int().nonnegative(),
  durationMs: z.number(),
  /** What failed, as far as the runner said so. */
  failures: z.array(failureSchema).optional(),
  /** What failed beside other suites, and passed when it was run again with nothing beside it. */
  passedAlone: z.array(failureSchema).optional(),
});

/** Counts and time of one suite. A runner that ended badly without a failed test counts as one failure. */
export type SuiteResult = z.infer<typeof suiteResultSchema>;

const folder = join(repositoryRoot, ".tmp", "results");

function resultPath(name: string): string {
  return join(folder, `${name.replaceAll(" ", "-")}.json`);
}

/** Where a suite's runner writes its own report. */
export function reportPath(name: string): string {
  return `${resultPath(name)}.report`;
}

/** Forgets an earlier run of the suite, so that a crash cannot be read as that run's success. */
export async function forgetResult(name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await rm(reportPath(name), { force: true });
  await rm(resultPath(name), { force: true });
}

/** Keeps the result for `total.ts`. */
export async function keepResult(result: SuiteResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(resultPath(result.name), JSON.stringify(result));
}

/** The kept result, or one failure where the suite left none: it never ran, or its command died. */
export async function readResult(name: string): Promise<SuiteResult> {
  try {
    return suiteResultSchema.parse(JSON.parse(await readFile(resultPath(name), "utf8")));
  } catch {
    return { name, passed: 0, failed: 1, skipped: 0, durationMs: 0 };
  }
}

/** The line that ends every test command. */
export function countLine(results: readonly SuiteResult[]): string {
  const sum = (key: "passed" | "failed" | "skipped") => results.reduce((total, result) => total + result[key], 0);
  return `${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`;
}

/** True when nothing failed and at least one test ran. */
export function isGreen(results: readonly SuiteResult[]): boolean {
  return results.every((result) => result.failed === 0) && results.some((result) => result.passed > 0);
}

/** One line per suite: name, counts, time. */
export function suiteTable(results: readonly SuiteResult[]): string {
  const width = Math.max(...results.map((result) => result.name.length));
  return results.map((result) =>
    `  ${result.failed === 0 ? "ok  " : "FAIL"} ${result.name.padEnd(width)}  ${countLine([result])}  ${
      formatDuration(result.durationMs)
    }`
  ).join("\n");
}

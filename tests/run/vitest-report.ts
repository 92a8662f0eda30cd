/** What vitest's JSON report says: the source of every number that the test commands print, and of what they say failed. */
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";
import { repositoryRoot } from "./run-step.ts";

/** Tests by outcome. `failed` includes files that failed before they had a test. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const failureSchema = z.strictObject({
  /** From the repository's root. */
  file: z.string(),
  /** With its `describe`s; empty where the file failed outside its tests. */
  test: z.string(),
  /** With its stack. */
  message: z.string(),
});

/** Which test, in which file. */
export type TestName = Pick<Failure, "file" | "test">;

/** A failed test, or a file that failed before it had one. */
export type Failure = z.infer<typeof failureSchema>;

export interface VitestReport extends Counts {
  passes: TestName[];
  failures: Failure[];
}

const reportSchema = z.object({
  testResults: z.array(z.object({
    name: z.string().default(""),
    status: z.string(),
    message: z.string().default(""),
    assertionResults: z.array(z.object({
      status: z.string(),
      fullName: z.string().default(""),
      failureMessages: z.array(z.string()).nullish(),
    })),
  })),
});

/** Reads a report file; `undefined` when the runner wrote none, which only a crashed runner does. */
export async function readVitestReport(path: string): Promise<VitestReport | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  return countReport(JSON.parse(text));
}

/** Adds up a parsed report. A status that is neither passed nor failed is one of vitest's words for skipped. */
export function countReport(report: unknown): VitestReport {
  const counts: VitestReport = { passed: 0, failed: 0, skipped: 0, passes: [], failures: [] };
  for (const { name, status: outcome, message, assertionResults } of reportSchema.parse(report).testResults) {
    const file = relative(repositoryRoot, name);
    const failedBefore = counts.failed;
    const fail = (failure: Omit<Failure, "file">) => {
      counts.failed += 1;
      counts.failures.push({ file, ...failure });
    };
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === "passed") {
        counts.passed += 1;
        counts.passes.push({ file, test: fullName });
      } else if (status === "failed") fail({ test: fullName, message: failureMessages?.[0] ?? "" });
      else counts.skipped += 1;
    }
    if (outcome === "failed" && counts.failed === failedBefore) fail({ test: "", message });
  }
  return counts;
}

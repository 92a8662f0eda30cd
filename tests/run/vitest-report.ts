/** Counts what vitest's JSON report says: the source of every number that the test commands print. */
import { readFile } from "node:fs/promises";
import { z } from "zod";

/** Tests by outcome. `failed` includes files that failed before they had a test. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const reportSchema = z.object({
  testResults: z.array(z.object({
    status: z.string(),
    assertionResults: z.array(z.object({ status: z.string() })),
  })),
});

/** Reads a report file; `undefined` when the runner wrote none, which only a crashed runner does. */
export async function readVitestReport(path: string): Promise<Counts | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  return countReport(JSON.parse(text));
}

/** Adds up a parsed report. A status that is neither passed nor failed is one of vitest's words for skipped. */
export function countReport(report: unknown): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of reportSchema.parse(report).testResults) {
    const failedBefore = counts.failed;
    for (const { status } of file.assertionResults) {
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === "failed" && counts.failed === failedBefore) counts.failed += 1;
  }
  return counts;
}

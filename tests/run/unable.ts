/**
 * What a suite comes to that this machine cannot run at all: skipped where a person looks, a failure under `CI=true`,
 * where a line of skipped tests would pass for one that is green. Pure.
 */
import type { SuiteResult } from "./suite-result.ts";

export interface Unable {
  counts: Pick<SuiteResult, "failed" | "skipped">;
  line: string;
}

export function unableToRun(reason: string, { CI }: { CI?: string | undefined }): Unable {
  if (CI === "true" || CI === "1") {
    return { counts: { failed: 1, skipped: 0 }, line: `Failed: the whole suite cannot run, and CI=${CI}: ${reason}` };
  }
  return { counts: { failed: 0, skipped: 1 }, line: `Skipped: the whole suite: ${reason}` };
}

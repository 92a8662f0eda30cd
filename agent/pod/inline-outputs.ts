/** Small outputs that were taken a moment ago go along with the report of them, which saves a job the edge's way back for them. */
import type { AttemptReport } from "../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../contracts/bounds.ts";
import type { RecentBytes } from "../../contracts/recent-bytes.ts";

/** The report with the bytes of its first outputs, as many as are at hand and fit into {@link MAX_INLINE_BYTES}; equal bytes once. */
export function withInlineOutputs(report: AttemptReport, recent: Pick<RecentBytes, "get">): AttemptReport {
  if (report.state !== "succeeded") return report;
  let leftBytes = MAX_INLINE_BYTES;
  const given = new Set<string>();
  const outputs = report.outputs.map((output) => {
    const fits = output.sizeBytes <= leftBytes && !given.has(output.sha256);
    const bytes = fits ? recent.get(output.sha256) : null;
    if (bytes === null) return output;
    leftBytes -= bytes.byteLength;
    given.add(output.sha256);
    return { ...output, dataBase64: Buffer.from(bytes).toString("base64") };
  });
  return { ...report, outputs };
}

/** Small outputs that were taken a moment ago go along with the report of them, which saves a job the edge's way back for them. */
import type { AttemptReport } from "../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../contracts/bounds.ts";
import type { RecentBytes } from "../../contracts/recent-bytes.ts";

/** The report with the bytes of its first outputs, as many as are at hand and fit into {@link MAX_INLINE_BYTES}. */
export function withInlineOutputs(report: AttemptReport, recent: Pick<RecentBytes, "get">): AttemptReport {
  if (report.state !== "succeeded") return report;
  let leftBytes = MAX_INLINE_BYTES;
  const outputs = report.outputs.map((output) => {
    const bytes = output.sizeBytes <= leftBytes ? recent.get(output.sha256) : null;
    if (bytes === null) return output;
    leftBytes -= bytes.byteLength;
    return { ...output, dataBase64: Buffer.from(bytes).toString("base64") };
  });
  return { ...report, outputs };
}

import { describe, expect, it } from "vitest";
import { withInlineOutputs } from "../../../../agent/pod/inline-outputs.ts";
import { AttemptReport } from "../../../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../../../contracts/bounds.ts";
import { createRecentBytes } from "../../../../contracts/recent-bytes.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { attemptId, jobId } from "../../proxy/jobs/ids.ts";

function setUp(sizes: readonly number[], state: AttemptReport["state"] = "succeeded") {
  const recent = createRecentBytes();
  const outputs = sizes.map((sizeBytes, index) => {
    const sha256 = String(index).repeat(64);
    recent.keep(sha256, new Uint8Array(sizeBytes).fill(index));
    const described = { nodeId: "9", name: `${index}.png`, contentType: "image/png", temporary: false };
    return { index, sizeBytes, sha256, ...described };
  });
  const report = reportOf({ attemptId: attemptId(1), jobId: jobId(1), no: 1 }, state, { outputs });
  return { recent, report };
}

const sizesIn = ({ outputs }: AttemptReport) =>
  outputs.map(({ dataBase64 }) => dataBase64 === undefined ? null : Buffer.from(dataBase64, "base64").byteLength);

describe("withInlineOutputs()", () => {
  it("gives small outputs their bytes, none to those that are not at hand, and changes no record", () => {
    const { recent, report } = setUp([3, 4, 0]);
    recent.drop("1".repeat(64));
    const told = withInlineOutputs(report, recent);
    expect(sizesIn(told)).toEqual([3, null, 0]);
    expect(told.outputs[0]?.dataBase64).toBe("AAAA");
    expect(sizesIn(report)).toEqual([null, null, null]);
  });

  it("passes over what does not fit, and what it gives is what the contract takes", () => {
    const { recent, report } = setUp([MAX_INLINE_BYTES - 10, 11, 10, 1]);
    const told = withInlineOutputs(report, recent);
    expect(sizesIn(told)).toEqual([MAX_INLINE_BYTES - 10, null, 10, null]);
    const full = setUp([MAX_INLINE_BYTES]);
    expect(AttemptReport.parse(withInlineOutputs(full.report, full.recent)).outputs[0]?.dataBase64).toBeDefined();
    expect(sizesIn(withInlineOutputs(setUp([MAX_INLINE_BYTES + 1]).report, recent))).toEqual([null]);
  });

  it("gives equal bytes once", () => {
    const { recent, report } = setUp([3, 3]);
    const [first] = report.outputs;
    if (first) report.outputs[1] = { ...first, index: 1, name: "again.png" };
    expect(sizesIn(withInlineOutputs(report, recent))).toEqual([3, null]);
  });

  it("gives nothing of a run that goes on: its outputs may change", () => {
    const { recent, report } = setUp([3], "running");
    expect(withInlineOutputs(report, recent)).toBe(report);
  });
});

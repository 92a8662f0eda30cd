import { describe, expect, it } from "vitest";
import { replayLines } from "../../../../cli/output/replay-lines.ts";
import { compareJobs } from "../../../../cli/replay/compare.ts";
import type { Output } from "../../../../contracts/asset.ts";
import type { Job } from "../../../../contracts/job.ts";
import { jobView } from "../../../../proxy/jobs/job-view.ts";
import { jobId, podId } from "../../proxy/jobs/ids.ts";
import { jobRow } from "../../proxy/jobs/job-row.ts";
import { newTenantId, sampleAsset, sampleOutput, sampleReceipt, sha256 } from "../../proxy/store/samples.ts";

const receipt = { ...sampleReceipt, pod: { id: podId(1), name: "gpu-1" }, gpu: "NVIDIA L4" };

function job(n: number, fields: Partial<Job> = {}): Job {
  const view = jobView(jobRow({ id: jobId(n), state: "succeeded" }), {
    waiting: null,
    progress: null,
    nowMs: 0,
    jobRetentionMs: 1_000,
  });
  return { ...view, receipt, ...fields };
}

function output(name: string, bytes: string, fields: Partial<Output> = {}): Output {
  const asset = sampleAsset(newTenantId(), { filePath: name, sha256: sha256(bytes) });
  return { ...sampleOutput(jobId(1), asset), ...fields };
}

describe("compareJobs()", () => {
  it("says of equal outputs that they are, and on what they were made", () => {
    const outputs = [output("a.png", "one"), output("b.png", "two"), output("p.png", "three", { temporary: true })];
    const replay = compareJobs(job(1, { outputs }), job(2, { outputs: outputs.toReversed().toReversed() }));
    expect(replay).toMatchObject({ jobId: jobId(2), replayOf: jobId(1), equal: true });
    expect(replay.outputs.map(({ name, equal }) => [name, equal])).toEqual([
      ["a.png", true],
      ["b.png", true],
      ["p.png", true],
    ]);
    expect(replay.receipt.pod).toEqual({ before: "gpu-1", after: "gpu-1", equal: true });
    expect(replayLines(replay)).toContain("result    equal: 3 of 3 outputs have the same bytes");
  });

  it("pairs outputs by their node and place, whatever they are called", () => {
    const before = [output("tmp_abc_1.png", "one"), output("tmp_abc_2.png", "two")];
    const after = [output("tmp_xyz_1.png", "one"), output("tmp_xyz_2.png", "TWO")];
    const replay = compareJobs(job(1, { outputs: before }), job(2, { outputs: after }));
    expect(replay.outputs.map(({ equal }) => equal)).toEqual([true, false]);
    expect(replay.equal).toBe(false);
    expect(replay.outputs[1]).toMatchObject({ before: sha256("two"), after: sha256("TWO") });
    expect(replayLines(replay)).toContain("different: 1 of 2 outputs have the same bytes");
  });

  it("counts an output that only one of them has as a difference", () => {
    const [one, two] = [output("a.png", "one"), output("b.png", "two", { nodeId: "2" })];
    const less = compareJobs(job(1, { outputs: [one, two] }), job(2, { outputs: [one] }));
    expect(less.equal).toBe(false);
    expect(less.outputs[1]).toMatchObject({ nodeId: "2", before: sha256("two"), after: null, equal: false });
    const more = compareJobs(job(1, { outputs: [one] }), job(2, { outputs: [one, two] }));
    expect(more.outputs[1]).toMatchObject({ before: null, after: sha256("two"), equal: false });
  });

  it("names what differs between the receipts, and calls unknown what one of them does not have", () => {
    const elsewhere = { ...receipt, pod: { id: podId(2), name: "gpu-2" }, comfyVersion: "0.34.0", gpu: null };
    const replay = compareJobs(job(1), job(2, { receipt: elsewhere }));
    expect(replay.receipt).toMatchObject({
      pod: { before: "gpu-1", after: "gpu-2", equal: false },
      comfyVersion: { before: "0.33.0", after: "0.34.0", equal: false },
      gpu: { before: "NVIDIA L4", after: null, equal: null },
      graphSha256: { equal: true },
      seed: { before: null, after: null, equal: null },
    });
    const lines = replayLines(replay).split("\n");
    expect(lines).toContain("differs   pod: gpu-1 → gpu-2");
    expect(lines).toContain("differs   ComfyUI: 0.33.0 → 0.34.0");
    expect(lines.find((line) => line.startsWith("unknown"))).toContain("GPU: it was NVIDIA L4");
    expect(lines.join()).not.toContain("seed");
  });

  it("is not equal where one of them did not succeed, with or without a receipt", () => {
    for (const state of ["failed", "canceled", "expired"] as const) {
      const replay = compareJobs(job(1), job(2, { state, receipt: null }));
      expect(replay).toMatchObject({ equal: false, state: { before: "succeeded", after: state } });
      expect(replay.receipt.graphSha256).toEqual({ before: sha256("graph"), after: null, equal: null });
      expect(replayLines(replay)).toContain(`the first job succeeded, this one ${state}`);
    }
  });

  it("says when equal bytes came from ComfyUI's cache", () => {
    const cached = { ...receipt, cached: true };
    const outputs = [output("a.png", "one")];
    const replay = compareJobs(job(1, { outputs }), job(2, { outputs, receipt: cached }));
    expect(replayLines(replay)).toContain("rendered nothing");
    expect(replayLines(compareJobs(job(1, { outputs }), job(2, { outputs })))).not.toContain("rendered nothing");
  });
});

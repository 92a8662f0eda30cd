import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttemptReport } from "../../../../contracts/attempt.ts";
import { toTimestamp } from "../../../../contracts/ids.ts";
import type { PodCapability } from "../../../../contracts/pod.ts";
import { Receipt } from "../../../../contracts/receipt.ts";
import { buildReceipt, jobTiming } from "../../../../proxy/attempts/receipt.ts";
import type { AttemptRow, JobRow } from "../../../../proxy/store/job-store.ts";
import type { PodRow } from "../../../../proxy/store/pod-store.ts";
import { reportOf } from "../../../support/agent-reports.ts";
import { attemptId, jobId, podId } from "../jobs/ids.ts";
import { sampleObservation, sha256 } from "../store/samples.ts";

const ORDER = { attemptId: attemptId(1), jobId: jobId(1), no: 1 };

/** Agent times by an agent's clock that is an hour ahead of the store's. */
function agentAt(ms: number): string {
  return toTimestamp(3_600_000 + ms);
}

function facts(
  report: Partial<AttemptReport>,
  times: { offeredAtMs: number; startedAtMs: number | null; nowMs: number },
) {
  return {
    job: { createdAtMs: 1_000, losses: 1 } as JobRow,
    attempt: {
      offeredAtMs: times.offeredAtMs,
      startedAtMs: times.startedAtMs,
      graphSha256: "f".repeat(64),
    } as AttemptRow,
    report: reportOf(ORDER, "succeeded", report),
    nowMs: times.nowMs,
  };
}

const REPORT = {
  acceptedAt: agentAt(1_105),
  startedAt: agentAt(1_135),
  executedAt: agentAt(2_135),
  finishedAt: agentAt(2_150),
};

describe("jobTiming()", () => {
  it("measures the agent by its own clock and the rest by the store's", () => {
    expect(jobTiming(facts(REPORT, { offeredAtMs: 1_100, startedAtMs: 1_110, nowMs: 2_190 }))).toEqual({
      queueMs: 100,
      assignMs: 40,
      executeMs: 1_000,
      modelLoadMs: null,
      collectMs: 15,
      storeMs: 35,
      totalMs: 1_190,
    });
  });

  it("counts the wait behind another run once, as queueing, whenever the store heard of the start", () => {
    // Five seconds behind another run, of whose end the edge heard 20 ms late; or never, but for the result.
    const waited = { ...REPORT, acceptedAt: agentAt(-3_895) };
    const times = { offeredAtMs: 6_100 - 5_000, startedAtMs: 6_160, nowMs: 7_190 };
    const split = { queueMs: 5_130, executeMs: 1_000, collectMs: 15 };
    expect(jobTiming(facts(waited, times))).toMatchObject({ ...split, assignMs: 30, storeMs: 15, totalMs: 6_190 });
    expect(jobTiming(facts(waited, { ...times, startedAtMs: null }))).toMatchObject({
      ...split,
      ...{ assignMs: 0, storeMs: 45, totalMs: 6_190 },
    });
  });

  it("gives no time to what a failed or never started run did not reach", () => {
    const failed = { ...REPORT, executedAt: null, finishedAt: agentAt(1_635) };
    expect(jobTiming(facts(failed, { offeredAtMs: 1_100, startedAtMs: 1_110, nowMs: 1_700 })))
      .toMatchObject({ executeMs: 500, collectMs: 0 });
    const never = { acceptedAt: agentAt(0), startedAt: null, executedAt: null, finishedAt: agentAt(20) };
    expect(jobTiming(facts(never, { offeredAtMs: 1_100, startedAtMs: null, nowMs: 1_150 })))
      .toEqual({
        queueMs: 100,
        assignMs: 0,
        executeMs: 0,
        modelLoadMs: null,
        collectMs: 20,
        storeMs: 30,
        totalMs: 150,
      });
  });

  it("is never negative and adds up, whatever the clocks did", () => {
    const time = fc.integer({ min: -100_000, max: 100_000 });
    const maybe = fc.option(time);
    fc.assert(fc.property(fc.tuple(time, maybe, maybe, maybe), fc.tuple(time, maybe, time), (agent, store) => {
      const [accepted, started, executed, finished] = agent;
      const at = (ms: number | null) => ms === null ? null : agentAt(ms);
      const report = {
        acceptedAt: agentAt(accepted),
        startedAt: at(started),
        executedAt: at(executed),
        finishedAt: at(finished),
      };
      const [offeredAtMs, startedAtMs, nowMs] = store;
      const { totalMs, modelLoadMs: _, ...parts } = jobTiming(facts(report, { offeredAtMs, startedAtMs, nowMs }));
      const sum = Object.values(parts).reduce((total, part) => total + part, 0);
      return Object.values(parts).every((part) => part >= 0) && Math.abs(sum - totalMs) < 0.001;
    }));
  });
});

describe("buildReceipt()", () => {
  it("fits the contract and names each model once", () => {
    const models = [
      { classType: "A", input: "m", name: "x.safetensors" },
      { classType: "B", input: "m", name: "x.safetensors" },
    ];
    const times = { offeredAtMs: 1_100, startedAtMs: null, nowMs: 2_190 };
    const receipt = buildReceipt({ ...facts(REPORT, times), attempts: 2, pod: null, models });
    expect(Receipt.parse(receipt)).toMatchObject({
      attempts: 2,
      losses: 1,
      models: [{ name: "x.safetensors", sha256: null }],
      pod: null,
    });
  });

  const CAPABILITY = sampleObservation(sha256("body")).capability;

  function receiptOn(capability: PodCapability) {
    const pod = { id: podId(1), name: "gpu-1", capability } as PodRow;
    const times = { offeredAtMs: 1_100, startedAtMs: 1_110, nowMs: 2_190 };
    return buildReceipt({ ...facts(REPORT, times), attempts: 1, pod, models: [] });
  }

  it("says on what it ran, and how long it held the GPU", () => {
    const name = "cuda:0 NVIDIA H100 80GB HBM3 : cudaMallocAsync";
    const devices = [{ name, type: "cuda", vramTotalBytes: 8e10 }];
    expect(receiptOn({ ...CAPABILITY, devices })).toMatchObject({
      pod: { name: "gpu-1" },
      comfyVersion: "0.33.0",
      agentVersion: "0.1.0",
      objectInfoSha256: sha256("body"),
      gpu: "NVIDIA H100 80GB HBM3",
      gpuSeconds: 1,
    });
  });

  it("knows of no GPU where the pod renders on its CPU", () => {
    const devices = [{ name: "cpu", type: "cpu", vramTotalBytes: 1e9 }];
    expect(receiptOn({ ...CAPABILITY, devices })).toMatchObject({ gpu: null, gpuSeconds: null });
  });

  it("is read with nulls when an earlier version wrote it", () => {
    const { agentVersion: _, objectInfoSha256: __, gpu: ___, gpuSeconds: ____, ...old } = receiptOn(CAPABILITY);
    const { modelLoadMs: _____, ...timing } = old.timing;
    const nothing = { service: null, agentVersion: null, objectInfoSha256: null, gpu: null, gpuSeconds: null };
    expect(Receipt.parse({ ...old, timing })).toEqual({ ...old, ...nothing });
  });
});

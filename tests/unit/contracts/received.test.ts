import { describe, expect, it } from "vitest";
import type { GpuVerdict } from "../../../contracts/agent/gpu.ts";
import { BeatResult, PodEvent } from "../../../contracts/agent/messages.ts";
import { readAttemptEvent, readBeat, readPodEvent, ReceivedReport } from "../../../contracts/agent/received.ts";
import { AttemptEvent } from "../../../contracts/attempt.ts";
import { MAX_ATTEMPTS, MAX_CONDITIONS, MAX_OUTPUTS, MAX_PREVIEW_CHARS } from "../../../contracts/bounds.ts";
import { readyCondition, reportOf, strangeAttemptId } from "../../support/agent-reports.ts";
import { jobId } from "../proxy/jobs/ids.ts";

const order = { attemptId: strangeAttemptId(), jobId: jobId(1), no: 1 };
const running = reportOf(order, "running");

function beat(change: Record<string, unknown> = {}) {
  return {
    bootId: "boot_00000000000000000000000001",
    slots: [],
    attempts: [running],
    conditions: [readyCondition()],
    capability: {
      agentVersion: "0.1.0",
      comfyVersion: null,
      comfyMode: "supervised",
      devices: [],
      objectInfoSha256: null,
    },
    verdict: null,
    ...change,
  };
}

const withError = (error: unknown) => ({ ...reportOf(order, "failed"), error });

describe("readBeat()", () => {
  it("reads what this version writes as it is", () => {
    expect(readBeat(beat())).toEqual({ result: BeatResult.parse(beat()), unreadable: [] });
  });

  it("leaves out conditions, fields and modes of a newer agent, and reads the rest", () => {
    const conditions = [{ ...readyCondition(), type: "Weather" }, readyCondition("unknown")];
    const capability = { ...beat().capability, comfyMode: "borrowed", nodes: 3 };
    const { result } = readBeat(beat({ conditions, capability, weather: "fine" }));
    expect(result).toEqual(
      beat({ conditions: [readyCondition("unknown")], capability: { ...beat().capability, comfyMode: "attached" } }),
    );
  });

  it("reads the other reports beside one that it cannot, and says whose that is", () => {
    const { attemptId } = order;
    const { result, unreadable } = readBeat(beat({ attempts: [{ attemptId, state: "paused" }, running, "nonsense"] }));
    expect(result.attempts).toEqual([running]);
    expect(unreadable.map((one) => one.attemptId)).toEqual([attemptId, null]);
  });

  it.each([
    ["attempts", { attempts: Array.from({ length: MAX_ATTEMPTS + 1 }, () => running) }],
    ["conditions", { conditions: Array.from({ length: MAX_CONDITIONS + 1 }, () => readyCondition()) }],
    ["slots", { slots: Array.from({ length: 65 }, (_, index) => ({ index, ready: true, attemptId: null })) }],
  ])("refuses more %s than the contract allows", (_what, change) => {
    expect(() => readBeat(beat(change))).toThrow();
    expect(BeatResult.safeParse(beat(change)).success).toBe(false);
  });
});

describe("readBeat() of a verdict", () => {
  const verdict: GpuVerdict = {
    state: "degraded",
    since: "2026-01-01T00:00:00.000Z",
    seq: 3,
    reasons: [{ code: "hot", gpu: "GPU-1", detail: "Hot.", firstSeen: "2026-01-01T00:00:00.000Z", count: 1 }],
    action: "none",
    nodeHint: null,
  };
  const read = (given: unknown) => readBeat(beat({ verdict: given })).result.verdict;

  it("takes an older agent's for none", () => {
    const { verdict: _absent, ...older } = beat();
    expect(readBeat(older).result).toEqual(beat());
    const { slots, conditions, capability } = beat();
    expect(readPodEvent({ type: "pod", slots, conditions, capability })).toMatchObject({ verdict: null });
  });

  it("reads this version's as it is", () => {
    expect(read(verdict)).toEqual(verdict);
  });

  it("takes a newer agent's words for the nearest it has, and leaves out reasons that it cannot read", () => {
    const newer = { ...verdict, state: "predicted_failure", action: "reset_gpu", nodeHint: "sell", weather: "fine" };
    const reasons = [...verdict.reasons, { code: 7 }];
    expect(read({ ...newer, reasons })).toEqual({ ...verdict, state: "unknown", action: "none" });
    expect(read({ ...verdict, reasons: Array.from({ length: 300 }, () => verdict.reasons[0]) })?.reasons).toHaveLength(
      200,
    );
    expect(read("sick")).toBeNull();
  });
});

describe("ReceivedReport", () => {
  it("makes an error code that it does not know internal, and keeps the words", () => {
    const report = ReceivedReport.parse(withError({ code: "quantum_flip", message: "Cannot hold still", nodeId: "4" }));
    expect(report.error).toEqual({ code: "internal", message: "Cannot hold still", nodeId: "4" });
  });

  it("cuts a message that is too long, and takes progress that it cannot read for none", () => {
    const report = { ...withError({ code: "internal", message: "x".repeat(100_000) }), progress: { value: 7 } };
    const read = ReceivedReport.parse(report);
    expect([read.error?.message.length, read.progress]).toEqual([65_536, null]);
  });

  it("refuses more outputs than the contract allows", () => {
    const output = { index: 0, nodeId: "1", name: "a", contentType: "b", sizeBytes: 0, sha256: "0".repeat(64) };
    const outputs = Array.from({ length: MAX_OUTPUTS + 1 }, () => ({ ...output, temporary: false }));
    expect(ReceivedReport.safeParse({ ...running, outputs: outputs.slice(1) }).success).toBe(true);
    expect(ReceivedReport.safeParse({ ...running, outputs }).success).toBe(false);
  });
});

describe("readPodEvent() and readAttemptEvent()", () => {
  it("answer null for a kind of event that a newer agent sends", () => {
    expect(readPodEvent({ type: "weather", degrees: 20 })).toBeNull();
    expect(readAttemptEvent({ type: "sound", dataBase64: "" })).toBeNull();
  });

  it("read every kind that this version knows, additions left out", () => {
    const { slots, conditions, capability, verdict } = beat();
    const pod = { type: "pod", slots, conditions: [...conditions, { type: "Weather" }], capability, verdict };
    expect(readPodEvent(pod)).toEqual(PodEvent.parse({ ...pod, conditions }));
    const preview = { type: "preview", nodeId: null, contentType: "image/png", dataBase64: "" };
    for (const event of [preview, { type: "report", report: running }]) {
      expect(readAttemptEvent(event)).toEqual(AttemptEvent.parse(event));
    }
  });

  it("refuse what breaks the contract", () => {
    for (const event of [null, {}, { type: "attempt", report: { ...running, rev: -1 } }]) {
      expect(() => readPodEvent(event)).toThrow();
    }
    const dataBase64 = "x".repeat(MAX_PREVIEW_CHARS + 1);
    expect(() => readAttemptEvent({ type: "preview", nodeId: null, contentType: "image/png", dataBase64 })).toThrow();
  });
});

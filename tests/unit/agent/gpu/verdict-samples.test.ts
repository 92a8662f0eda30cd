import { describe, expect, it } from "vitest";
import { A100_MIG, B200, H100, KINDS, L40S, RTX_2080_SUPER, RTX_4090 } from "../../../support/gpu/kinds.ts";
import { Judge, SECOND } from "./judge.ts";

const KIND_AND_STATE = KINDS.flatMap((kind) => (["idle", "load"] as const).map((state) => ({ kind, state })));

describe("the verdict on sound GPUs", () => {
  it("is unknown before the first word", () => {
    expect(new Judge(L40S).verdict).toMatchObject({ state: "unknown", action: "none", seq: 0, nodeHint: null });
    expect(new Judge(L40S).codes).toEqual(["probe_starting"]);
  });

  it.each(KIND_AND_STATE)("$kind.name, $state: healthy at the first sample and ever after", ({ kind, state }) => {
    const judge = new Judge(kind);
    const { since, ...rest } = judge.sample(kind[state]);
    expect(rest).toEqual({ state: "healthy", seq: 1, reasons: [], action: "none", nodeHint: null });
    expect(judge.samples(200, kind[state])).toMatchObject({ state: "healthy", seq: 1, since });
  });

  it("is not changed by a power cap, which is normal", () => {
    expect(new Judge(L40S).samples(200, { "clocks_event_reasons.active": "0x4" }).state).toBe("healthy");
  });
});

describe("the verdict on one sample", () => {
  it.each([
    ["gpu_recovery_action", "Reset", "unhealthy", "recovery_reset", "replace_pod", "reset_gpu"],
    ["gpu_recovery_action", "GPU Reset Required", "unhealthy", "recovery_reset", "replace_pod", "reset_gpu"],
    ["gpu_recovery_action", "Reboot", "unhealthy", "recovery_reboot", "replace_pod", "reboot"],
    [
      "gpu_recovery_action",
      "Drain and Reset",
      "unhealthy",
      "recovery_drain_and_reset",
      "drain_then_replace",
      "reset_gpu",
    ],
    ["gpu_recovery_action", "Drain P2P", "degraded", "recovery_drain_p2p", "drain_then_replace", "inspect"],
    ["gpu_recovery_action", "Recover IMEX", "degraded", "recovery_unrecognised", "none", "inspect"],
    ["remapped_rows.failure", "Yes", "unhealthy", "row_remap_failed", "replace_pod", "inspect"],
    ["remapped_rows.pending", "Yes", "degraded", "row_remap_pending", "drain_then_replace", "reset_gpu"],
    ["remapped_rows.histogram.none", "1", "degraded", "bank_without_spare", "none", "inspect"],
    ["retired_pages.pending", "Yes", "degraded", "page_retirement_pending", "drain_then_replace", "reset_gpu"],
    ["retired_pages.single_bit_ecc.count", "16", "degraded", "retired_pages_many", "none", "inspect"],
    ["retired_pages.double_bit.count", "63", "unhealthy", "retired_pages_limit", "replace_pod", "inspect"],
    [
      "ecc.errors.uncorrected.aggregate.sram.thresholdExceeded",
      "Yes",
      "unhealthy",
      "sram_threshold_exceeded",
      "replace_pod",
      "inspect",
    ],
    ["power.draw", "[GPU is lost]", "unhealthy", "gpu_lost", "replace_pod", "reboot"],
    ["power.draw", "[GPU requires reset]", "unhealthy", "gpu_reset_required", "replace_pod", "reset_gpu"],
  ])("%s = %s: %s (%s), %s", (...row) => {
    const [field, cell, state, code, action, nodeHint] = row;
    const judge = new Judge(H100);
    judge.sample();
    const verdict = judge.sample({ [field]: cell });
    expect(verdict).toMatchObject({ state, action, nodeHint, seq: 2 });
    expect(verdict.reasons).toMatchObject([{ code, gpu: "GPU-00000000-0000-0000-0000-000000000000", count: 1 }]);
    expect(verdict.reasons[0]?.detail).toMatch(/^GPU 0 \(NVIDIA H100 80GB HBM3\) .*\.$/);
  });

  it.each([["15", "healthy"], ["16", "degraded"], ["62", "degraded"], ["63", "unhealthy"]])(
    "%s retired pages: %s",
    (pages, state) => {
      expect(new Judge(H100).sample({ "retired_pages.single_bit_ecc.count": pages }).state).toBe(state);
    },
  );

  it("takes Drain P2P for worse where GPUs work together", () => {
    const judge = new Judge(H100);
    expect(judge.sample({ gpu_recovery_action: "Drain P2P" }, SECOND).state).toBe("unhealthy");
    expect(judge.codes).toEqual(["recovery_drain_p2p_many"]);
  });

  it("never heals hardware, whatever later samples say", () => {
    const judge = new Judge(H100);
    judge.sample({ gpu_recovery_action: "Reset" });
    const { since, seq } = judge.verdict;
    judge.pass(24 * 3_600_000);
    expect(judge.samples(20)).toMatchObject({ state: "unhealthy", since, seq });
  });

  it("puts the worst reason first and takes the strongest action, and says the same again without a new seq", () => {
    const judge = new Judge(H100);
    judge.sample({ "remapped_rows.pending": "Yes" });
    const verdict = judge.sample({ "remapped_rows.pending": "Yes", gpu_recovery_action: "Drain and Reset" });
    expect(judge.codes).toEqual(["recovery_drain_and_reset", "row_remap_pending"]);
    expect(verdict).toMatchObject({ state: "unhealthy", action: "drain_then_replace" });
    expect(judge.sample({ "remapped_rows.pending": "Yes", "temperature.gpu": "60" }).seq).toBe(verdict.seq);
  });
});

describe("the verdict on samples in a row", () => {
  it("counts an ECC error only when the counter rises", () => {
    const judge = new Judge(B200);
    const errors = (count: string) => judge.sample({ "ecc.errors.uncorrected.volatile.total": count }).state;
    expect([errors("2"), errors("2"), errors("[N/A]"), errors("2"), errors("0"), errors("0")]).toEqual(
      Array(6).fill("healthy"),
    );
    expect(errors("1")).toBe("unhealthy");
    expect(judge.codes).toEqual(["ecc_uncorrected"]);
  });

  it("takes a health field that cannot be read for degraded, and three times in a row for unhealthy", () => {
    const judge = new Judge(H100);
    const unreadable = { "remapped_rows.failure": "[Unknown Error]" };
    expect(judge.sample({ "temperature.gpu": "[Unknown Error]" }).state).toBe("healthy");
    expect(judge.samples(2, unreadable).state).toBe("degraded");
    expect(judge.codes).toEqual(["health_unreadable"]);
    expect(judge.sample(unreadable)).toMatchObject({ state: "unhealthy", action: "replace_pod" });
    expect(judge.codes).toEqual(["health_unreadable_lasting", "health_unreadable"]);
    expect(judge.samples(2).state).toBe("unhealthy");
    expect(judge.sample().state).toBe("healthy");
  });

  it("misses a GPU that is gone from two samples in a row, and only then", () => {
    const judge = new Judge(H100);
    judge.sample({}, SECOND);
    expect(judge.sample({}).state).toBe("healthy");
    expect(judge.sample({}, SECOND).state).toBe("healthy");
    expect(judge.samples(2, {})).toMatchObject({ state: "unhealthy", action: "replace_pod", nodeHint: "avoid_node" });
    expect(judge.verdict.reasons).toMatchObject([{ code: "gpu_missing", gpu: SECOND.uuid }]);
  });

  it.each([
    ["L40S, margin", "hot", L40S, { "temperature.gpu.tlimit": "2" }, { "temperature.gpu.tlimit": "3" }],
    ["4090, no margin", "hot", RTX_4090, { "temperature.gpu": "90" }, { "temperature.gpu": "89" }],
    ["A100, no margin", "hot", A100_MIG, { "temperature.gpu": "87" }, { "temperature.gpu": "86" }],
    ["H100, memory", "memory_hot", H100, { "temperature.memory": "95" }, { "temperature.memory": "94" }],
  ])("%s: %s after three samples, and for five minutes after the last", (...row) => {
    const [, code, kind, hot, warm] = row;
    const judge = new Judge(kind);
    expect(judge.samples(50, warm).state).toBe("healthy");
    judge.samples(2, hot);
    judge.sample(warm);
    expect(judge.samples(2, hot).state).toBe("healthy");
    expect(judge.sample(hot)).toMatchObject({ state: "degraded", action: "none" });
    expect(judge.codes).toEqual([code]);
    expect(judge.samples(59, warm).state).toBe("degraded");
    expect(judge.sample(warm).state).toBe("healthy");
    expect(judge.samples(3, hot).reasons).toMatchObject([{ count: 2 }]);
  });

  it("does not believe a margin of nothing on a cold GPU", () => {
    const judge = new Judge(H100);
    expect(judge.samples(20, { "temperature.gpu.tlimit": "-3", "temperature.gpu": "41" }).state).toBe("healthy");
    expect(judge.samples(3, { "temperature.gpu.tlimit": "-3", "temperature.gpu": "61" }).state).toBe("degraded");
  });

  it("minds a narrow link under load only", () => {
    const judge = new Judge(H100);
    const narrow = { "pcie.link.width.current": "8" };
    expect(judge.samples(20, { ...narrow, "utilization.gpu": "49" }).state).toBe("healthy");
    expect(judge.samples(20, { "pcie.link.gen.gpucurrent": "1" }).state).toBe("healthy");
    expect(judge.samples(3, { ...narrow, "utilization.gpu": "50" }).state).toBe("degraded");
    expect(judge.codes).toEqual(["pcie_narrow"]);
    expect(new Judge(A100_MIG).samples(20, narrow).state).toBe("healthy");
  });

  it.each([["0x40", "hw_slowdown"], ["0x80", "hw_slowdown"], ["0x20", "sw_thermal_slowdown"]])(
    "minds a slowdown (%s) in six of ten minutes",
    (mask, code) => {
      const judge = new Judge(RTX_2080_SUPER);
      const slowMinute = () => {
        judge.sample({ "clocks_event_reasons.active": mask });
        judge.samples(11);
      };
      for (let minute = 0; minute < 5; minute += 1) slowMinute();
      expect(judge.samples(48).state).toBe("healthy");
      for (let minute = 0; minute < 6; minute += 1) slowMinute();
      expect(judge.verdict).toMatchObject({ state: "degraded", action: "none" });
      expect(judge.codes).toEqual([code]);
      // Five of the six leave the window in ten minutes, and the hold is five more.
      expect(judge.samples(12 * 20).state).toBe("healthy");
    },
  );

  it("takes half an hour of hardware slowdown at less than half the clock for unhealthy", () => {
    const slow = { "clocks_event_reasons.active": "0x40", "clocks.current.sm": "900" };
    const judge = new Judge(H100);
    expect(judge.samples(12 * 34, slow).state).toBe("degraded");
    expect(judge.samples(12 * 3, slow)).toMatchObject({ state: "unhealthy", action: "drain_then_replace" });
    expect(judge.codes).toContain("hw_slowdown_severe");
    const fast = new Judge(H100);
    expect(fast.samples(12 * 60, { ...slow, "clocks.current.sm": "1000" }).state).toBe("degraded");
  });
});

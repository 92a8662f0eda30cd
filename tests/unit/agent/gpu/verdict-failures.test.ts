import { describe, expect, it } from "vitest";
import { gpuCondition } from "../../../../agent/gpu/gpu-condition.ts";
import { REASONS } from "../../../../agent/gpu/health/reasons.ts";
import type { FailureCode } from "../../../../agent/gpu/smi/failure.ts";
import { Condition } from "../../../../contracts/pod.ts";
import { L40S } from "../../../support/gpu/kinds.ts";
import { Judge } from "./judge.ts";

describe("the verdict on a probe that fails before any sample", () => {
  it.each<[FailureCode, string, string, string]>([
    ["smi_missing", "unknown", "smi_missing", "none"],
    ["no_devices", "unknown", "no_gpu", "none"],
    ["no_driver", "unknown", "no_gpu", "none"],
    ["library_missing", "unknown", "no_gpu", "none"],
    ["not_permitted", "unknown", "not_permitted", "none"],
    ["failed", "unknown", "probe_failed", "none"],
    ["field_refused", "unknown", "probe_failed", "none"],
    ["hung", "unhealthy", "probe_hung", "replace_pod"],
    ["nvml_unknown_error", "unhealthy", "nvml_unknown_error", "replace_pod"],
    ["blocked", "unhealthy", "gpu_blocked", "replace_pod"],
    ["driver_mismatch", "unhealthy", "driver_mismatch", "replace_pod"],
    ["gpu_lost", "unhealthy", "gpu_lost", "replace_pod"],
    ["reset_required", "unhealthy", "gpu_reset_required", "replace_pod"],
    ["power_cable", "unhealthy", "power_cable", "replace_pod"],
    ["interrupt_problem", "unhealthy", "interrupt_problem", "replace_pod"],
    ["inforom_corrupted", "degraded", "inforom_corrupted", "none"],
  ])("%s: %s (%s), %s", (...row) => {
    const [failure, state, code, action] = row;
    const judge = new Judge(L40S);
    expect(judge.fail(failure, "Its words")).toMatchObject({ state, action });
    expect(judge.codes).toEqual([code]);
    expect(judge.verdict.reasons[0]?.detail).toMatch(/^Its words\./);
    const again = judge.verdict.seq;
    for (let time = 0; time < 10; time += 1) judge.fail(failure, "Its words");
    expect(judge.verdict).toMatchObject({ state, seq: again });
  });
});

describe("the verdict on a probe that fails after a sample", () => {
  it.each<FailureCode>(["no_devices", "no_driver", "library_missing"])(
    "%s: the GPUs are gone when it is said twice, for good",
    (failure) => {
      const judge = new Judge(L40S);
      judge.sample();
      expect(judge.fail(failure).state).toBe("healthy");
      judge.sample();
      judge.fail(failure);
      expect(judge.fail(failure)).toMatchObject({ state: "unhealthy", action: "replace_pod", nodeHint: "avoid_node" });
      expect(judge.codes).toEqual(["gpus_gone"]);
      expect(judge.samples(10).state).toBe("unhealthy");
    },
  );

  it("losing nvidia-smi itself is only unknown, and back at the next sample", () => {
    const judge = new Judge(L40S);
    judge.sample();
    expect(judge.fail("smi_missing")).toMatchObject({ state: "unknown", action: "none" });
    expect(judge.sample().state).toBe("healthy");
  });

  it("a crash of it means nothing, three in a row make it unknown", () => {
    const judge = new Judge(L40S);
    judge.sample();
    judge.fail("failed");
    judge.fail("failed");
    expect(judge.sample().state).toBe("healthy");
    judge.fail("failed");
    expect(judge.fail("failed").state).toBe("healthy");
    expect(judge.fail("failed").state).toBe("unknown");
    expect(judge.sample().state).toBe("healthy");
  });

  it.each<FailureCode>(["hung", "nvml_unknown_error", "blocked", "driver_mismatch"])(
    "%s heals after three good samples in a row",
    (failure) => {
      const judge = new Judge(L40S);
      judge.sample();
      judge.fail(failure);
      judge.samples(2);
      judge.fail(failure);
      expect(judge.samples(2).state).toBe("unhealthy");
      expect(judge.sample()).toMatchObject({ state: "healthy", reasons: [] });
    },
  );

  it("keeps what it knew of the hardware", () => {
    const judge = new Judge(L40S);
    judge.sample({ "remapped_rows.pending": "Yes" });
    expect(judge.fail("smi_missing").state).toBe("degraded");
    expect(judge.codes).toEqual(["row_remap_pending", "smi_missing"]);
  });
});

describe("the verdict on jobs that break the CUDA context", () => {
  const fault = (judge: Judge, jobId: string) => judge.see({ is: "work_fault", jobId });

  it("minds three different jobs, not one job three times", () => {
    const judge = new Judge(L40S);
    judge.sample();
    for (let time = 0; time < 5; time += 1) fault(judge, "a");
    expect(fault(judge, "b").state).toBe("healthy");
    expect(fault(judge, "c")).toMatchObject({ state: "degraded", action: "replace_pod" });
    expect(judge.codes).toEqual(["cuda_faults_lasting"]);
  });

  it("asks for no more than a new ComfyUI where others succeed in between", () => {
    const judge = new Judge(L40S);
    judge.sample();
    fault(judge, "a");
    fault(judge, "b");
    judge.see({ is: "work_success" });
    expect(fault(judge, "c")).toMatchObject({ state: "degraded", action: "restart_app" });
    expect(judge.codes).toEqual(["cuda_faults"]);
  });

  it("forgets them after half an hour", () => {
    const judge = new Judge(L40S);
    judge.sample();
    for (const job of ["a", "b"]) fault(judge, job);
    judge.pass(30 * 60_000);
    expect(fault(judge, "c").state).toBe("healthy");
    for (const job of ["d", "e"]) fault(judge, job);
    expect(judge.samples(12 * 29).state).toBe("degraded");
    expect(judge.samples(12 * 2).state).toBe("healthy");
  });
});

describe("gpuCondition()", () => {
  it("says the state, the reasons, what follows and what to do", () => {
    const judge = new Judge(L40S);
    expect(gpuCondition(judge.sample())).toMatchObject({ status: "true", reason: "Healthy" });
    const condition = gpuCondition(judge.sample({ "remapped_rows.failure": "Yes", "remapped_rows.pending": "Yes" }));
    expect(Condition.parse(condition)).toEqual({
      type: "GpuHealthy",
      status: "false",
      reason: "RowRemapFailed",
      message: "The GPU is unhealthy: this pod gets no work. " +
        "GPU 0 (NVIDIA L40S) has no spare row for a broken one of its memory. " +
        "GPU 0 (NVIDIA L40S) replaces broken rows of its memory at the next reset. " +
        "Replace the pod. The node's operator should inspect the GPU.",
      since: judge.verdict.since,
    });
    expect(gpuCondition(new Judge(L40S).fail("smi_missing"))).toMatchObject({
      status: "unknown",
      reason: "SmiMissing",
    });
  });
});

describe("REASONS", () => {
  it("asks nothing of a pod whose state is not known, and always something of an unhealthy one", () => {
    for (const [code, { state, action }] of Object.entries(REASONS)) {
      if (state === "unknown") expect([code, action]).toEqual([code, "none"]);
      if (state === "unhealthy") expect([code, action]).not.toEqual([code, "none"]);
    }
  });
});

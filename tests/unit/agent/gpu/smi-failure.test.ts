import { describe, expect, it } from "vitest";
import { failureOfExit, failureOfLine, refusedField, type SmiExit } from "../../../../agent/gpu/smi/failure.ts";

describe("failureOfExit()", () => {
  const exit = (change: Partial<SmiExit>): SmiExit => ({ code: null, signal: null, error: null, ...change });

  it.each([
    ["Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error", "gpu_lost"],
    ["Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system", "gpu_lost"],
    ["GPU requires reset", "reset_required"],
    ["Failed to initialize NVML: Unknown Error", "nvml_unknown_error"],
    ["Failed to initialize NVML: Driver/library version mismatch", "driver_mismatch"],
    ["Failed to initialize NVML: Insufficient Permissions", "not_permitted"],
    ["Failed to initialize NVML: Driver Not Loaded", "no_driver"],
    ["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "no_driver"],
    ["No devices were found", "no_devices"],
    ["NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", "library_missing"],
    ["WARNING: infoROM is corrupted at gpu 0000:01:00.0", "inforom_corrupted"],
  ])("knows '%s', whatever the code", (line, code) => {
    expect(failureOfLine(line)?.code).toBe(code);
    for (const status of [0, 1, 255]) expect(failureOfExit(exit({ code: status }), ["", line]).code).toBe(code);
  });

  it.each([
    [4, "not_permitted"],
    [6, "no_devices"],
    [8, "power_cable"],
    [9, "no_driver"],
    [11, "interrupt_problem"],
    [12, "library_missing"],
    [13, "driver_mismatch"],
    [14, "inforom_corrupted"],
    [15, "gpu_lost"],
    [16, "reset_required"],
    [17, "blocked"],
    [18, "driver_mismatch"],
    [255, "nvml_unknown_error"],
    [0, "failed"],
    [1, "failed"],
    [139, "failed"],
  ])("takes code %i without known words for %s", (code, expected) => {
    const failure = failureOfExit(exit({ code }), ["something else"]);
    expect(failure).toEqual({ code: expected, detail: `nvidia-smi ended with code ${code}: something else` });
  });

  it("tells of a missing program, of one that may not be run, and of a signal", () => {
    const missing = exit({ error: { code: "ENOENT", message: "Cannot run nvidia-smi: spawn nvidia-smi ENOENT" } });
    expect(failureOfExit(missing, []).code).toBe("smi_missing");
    expect(failureOfExit(exit({ error: { code: "EACCES", message: "Cannot run it" } }), []).code).toBe("failed");
    expect(failureOfExit(exit({ signal: "SIGSEGV" }), [])).toEqual({
      code: "failed",
      detail: "nvidia-smi ended by SIGSEGV",
    });
  });

  it("adds the version to a mismatch, and finds the field that was refused", () => {
    const lines = ["Failed to initialize NVML: Driver/library version mismatch", "NVML library version: 570.86"];
    expect(failureOfExit(exit({ code: 18 }), lines).detail).toContain("570.86");
    expect(refusedField(['Field "pstate" is not a valid field to query.', ""])).toBe("pstate");
    expect(refusedField(lines)).toBeNull();
  });
});

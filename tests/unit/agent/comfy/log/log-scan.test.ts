import { describe, expect, it } from "vitest";
import { scanLogLine } from "../../../../../agent/comfy/log/log-scan.ts";

describe("scanLogLine()", () => {
  it("knows ComfyUI's bad news", () => {
    expect([
      scanLogLine("Exception in thread Thread-2 (prompt_worker):"),
      scanLogLine("[ERROR] Port 8188 is already in use on address 127.0.0.1."),
      scanLogLine("Fatal Python error: Segmentation fault"),
      scanLogLine("   1.2 seconds (IMPORT FAILED): /x/custom_nodes/y"),
      scanLogLine("RuntimeError: CUDA error: an illegal memory access was encountered"),
      scanLogLine("torch.AcceleratorError: CUDA error: device-side assert triggered"),
      scanLogLine("RuntimeError: CUDA driver error: unspecified launch failure"),
      scanLogLine("RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered"),
      scanLogLine("[INFO]    0.1 seconds (IMPORT FAILED): /x/custom_nodes/y"),
    ]).toEqual([
      "WorkerDied",
      "PortInUse",
      "FatalPythonError",
      "ImportFailed",
      "GpuFault",
      "GpuFault",
      "GpuFault",
      "GpuFault",
      "ImportFailed",
    ]);
  });

  it("finds nothing in a tenant's text that quotes bad news", () => {
    for (
      const line of [
        "[ERROR] !!! Exception during processing !!! 'x' is not defined for expression 'CUDA error'",
        "ValueError: bad expression 'RuntimeError: CUDA error: unspecified launch failure'",
        "ValueError: CUDA error: unspecified launch failure",
        "CUDA error: unspecified launch failure",
        "got: Exception in thread Thread-2 (prompt_worker):",
        "Exception in thread of prompt_worker",
        "the prompt was 'Fatal Python error: x'",
        "Port of call is already in use",
        "text (IMPORT FAILED): a",
      ]
    ) expect(scanLogLine(line), line).toBeNull();
  });

  it("finds nothing in ordinary lines", () => {
    for (
      const line of [
        "[INFO] got prompt",
        "Exception in thread Thread-9 (download):",
        "torch.OutOfMemoryError: CUDA out of memory.",
        "   0.0 seconds: /x/custom_nodes/websocket_image_save.py",
      ]
    ) expect(scanLogLine(line), line).toBeNull();
  });
});

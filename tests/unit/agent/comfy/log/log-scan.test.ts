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
    ]).toEqual(["WorkerDied", "PortInUse", "FatalPythonError", "ImportFailed", "GpuFault"]);
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

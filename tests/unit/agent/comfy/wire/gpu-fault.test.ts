import { describe, expect, it } from "vitest";
import { isGpuFaultLine } from "../../../../../agent/comfy/wire/gpu-fault.ts";

describe("isGpuFaultLine()", () => {
  it("tells a broken context from lack of memory and from talk", () => {
    expect(isGpuFaultLine("RuntimeError: CUDA error: misaligned address")).toBe(true);
    expect(isGpuFaultLine("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate")).toBe(false);
    expect(isGpuFaultLine("RuntimeError: CUDA error: out of memory")).toBe(false);
    expect(isGpuFaultLine("Using CUDA 12.8")).toBe(false);
  });
});

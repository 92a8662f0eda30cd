import { describe, expect, it } from "vitest";
import { executionFailure } from "../../../../../agent/comfy/wire/job-error.ts";
import { JobError } from "../../../../../contracts/job.ts";

function codeOf(exception_type: string, exception_message: string): string {
  return executionFailure({ node_id: "4", node_type: "KSampler", exception_type, exception_message }).code;
}

describe("executionFailure()", () => {
  it("keeps node, class, type and message, in the contract's shape", () => {
    const error = executionFailure({
      node_id: 4,
      node_type: "KSampler",
      exception_type: "ValueError",
      exception_message: " too many steps\n",
    });
    expect(JobError.parse(error)).toEqual({
      code: "execution_failed",
      message: "Cannot run node 4 (KSampler): too many steps",
      hint: expect.any(String),
      nodeId: "4",
      classType: "KSampler",
      exceptionType: "ValueError",
    });
  });

  it("recognises lack of memory, on GPU and CPU", () => {
    expect([
      codeOf("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory."),
      codeOf("torch.cuda.OutOfMemoryError", ""),
      codeOf("torch.AcceleratorError", "CUDA error: out of memory"),
      codeOf("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
      codeOf("RuntimeError", "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ]).toEqual(Array.from({ length: 5 }, () => "out_of_memory"));
  });

  it("recognises a broken GPU context", () => {
    expect([
      codeOf("RuntimeError", "CUDA error: an illegal memory access was encountered"),
      codeOf("torch.AcceleratorError", "CUDA error: device-side assert triggered"),
      codeOf("RuntimeError", "CUDA error: unspecified launch failure"),
      codeOf("RuntimeError", "CUDA error: invalid argument"),
      codeOf("RuntimeError", "CUDA driver error: an illegal memory access was encountered"),
    ]).toEqual(Array.from({ length: 5 }, () => "gpu_fault"));
  });

  it("takes no text that a tenant has written for a broken GPU context", () => {
    expect([
      codeOf("ValueError", "bad expression 'CUDA error'"),
      codeOf("ValueError", "CUDA error: unspecified launch failure"),
      codeOf("RuntimeError", "cannot parse 'CUDA error: unspecified launch failure'"),
      executionFailure({ exception_message: "CUDA error: invalid argument" }).code,
    ]).toEqual(Array.from({ length: 4 }, () => "execution_failed"));
  });

  it("lets no path of the pod out and bounds the message", () => {
    const { message } = executionFailure({
      exception_message: "No such file: '/srv/ComfyUI/models/x/y.safetensors' from https://example.org/a/b",
    });
    expect(message).toBe("Cannot run the workflow: No such file: '…/y.safetensors' from https://example.org/a/b");
    expect(executionFailure({ exception_message: "x".repeat(10_000) }).message.length).toBe(2_000);
  });

  it("says something when ComfyUI says nothing", () => {
    expect(executionFailure({}).message).toBe("Cannot run the workflow: ComfyUI gave no reason");
  });
});

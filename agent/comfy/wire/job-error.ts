/** ComfyUI's failures in our words. Tracebacks and inputs never leave: only type, message and node do. */
import { z } from "zod";
import type { JobError } from "../../../contracts/job.ts";
import { isGpuFault } from "./gpu-fault.ts";
import { withoutPaths } from "./without-paths.ts";

/** The payload of `execution_error`, and of `execution_error` in a history entry's messages. */
export const ExecutionError = z.object({
  prompt_id: z.string().nullish(),
  node_id: z.union([z.string(), z.number()]).nullish(),
  node_type: z.string().nullish(),
  exception_type: z.string().nullish(),
  exception_message: z.string().nullish(),
});
export type ExecutionError = z.infer<typeof ExecutionError>;

const OOM_TYPES = ["torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError"];
const OOM_MESSAGE = /out of memory|CUBLAS_STATUS_ALLOC_FAILED|can't allocate memory/i;

const MAX_MESSAGE_CHARS = 2_000;

/** ComfyUI's marker for a node that is skipped on purpose; the run goes on. */
export function isExecutionBlocked(error: ExecutionError): boolean {
  return error.exception_type === "ExecutionBlocked";
}

export function executionFailure(error: ExecutionError): JobError {
  const type = error.exception_type ?? null;
  const reason = withoutPaths((error.exception_message ?? "").trim());
  const nodeId = error.node_id === null || error.node_id === undefined ? null : String(error.node_id);
  const node = nodeId === null ? "the workflow" : `node ${nodeId}${error.node_type ? ` (${error.node_type})` : ""}`;
  const { code, hint } = classify(type, reason);
  return {
    code,
    message: cut(`Cannot run ${node}: ${reason || type || "ComfyUI gave no reason"}`),
    hint,
    nodeId,
    classType: error.node_type ?? null,
    exceptionType: type,
  };
}

function classify(type: string | null, reason: string): Pick<JobError, "code"> & { hint: string } {
  if ((type !== null && OOM_TYPES.includes(type)) || OOM_MESSAGE.test(reason)) {
    return {
      code: "out_of_memory",
      hint: "Use a smaller picture, batch, length or model, or a pod with more memory.",
    };
  }
  if (isGpuFault(type, reason) || type === "torch.AcceleratorError") {
    return {
      code: "gpu_fault",
      hint: "ComfyUI needs a new start, which the agent gives one that it owns; submit the job again.",
    };
  }
  return { code: "execution_failed", hint: "Look at the named node's inputs; the pod's log has the full traceback." };
}

function cut(text: string): string {
  return text.length <= MAX_MESSAGE_CHARS ? text : `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…`;
}

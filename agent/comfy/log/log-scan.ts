/** What single lines of ComfyUI's log mean for its supervision. */
import { isGpuFault } from "../wire/job-error.ts";

/**
 * - `WorkerDied`: the thread that runs prompts is gone; HTTP goes on accepting what will never run. Restart at once.
 * - `GpuFault`: the CUDA context is broken; every later job fails. Restart once the failed job's error was read.
 * - `PortInUse`, `FatalPythonError`: it is about to exit; this is why.
 * - `ImportFailed`: a custom node is missing. ComfyUI runs on without it.
 */
export type LogFinding = "WorkerDied" | "GpuFault" | "PortInUse" | "FatalPythonError" | "ImportFailed";

export function scanLogLine(text: string): LogFinding | null {
  if (/Exception in thread .*prompt_worker/.test(text)) return "WorkerDied";
  if (/Port .* is already in use/.test(text)) return "PortInUse";
  if (/Fatal Python error/.test(text)) return "FatalPythonError";
  if (/\(IMPORT FAILED\)/.test(text)) return "ImportFailed";
  return isGpuFault(text) ? "GpuFault" : null;
}

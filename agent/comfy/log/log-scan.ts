/** What single lines of ComfyUI's log mean for its supervision. */
import { isGpuFaultLine } from "../wire/gpu-fault.ts";

/**
 * - `WorkerDied`: the thread that runs prompts is gone; HTTP goes on accepting what will never run. Restart at once.
 * - `GpuFault`: the CUDA context is broken; every later job fails. Restart once the failed job's error was read.
 * - `PortInUse`, `FatalPythonError`: it is about to exit; this is why.
 * - `ImportFailed`: a custom node is missing. ComfyUI runs on without it.
 */
export type LogFinding = "WorkerDied" | "GpuFault" | "PortInUse" | "FatalPythonError" | "ImportFailed";

/** What the logger may put before a line, e.g. `[ERROR] `. */
const LEVEL = String.raw`^(\[[A-Z]+\] )?`;

/** Anchored: a tenant's text may stand within a line, as a value or in an error, and must not end ComfyUI. */
const PATTERNS: readonly [LogFinding, RegExp][] = [
  ["WorkerDied", /^Exception in thread Thread-\d+ \(prompt_worker\)/],
  ["PortInUse", new RegExp(String.raw`${LEVEL}Port \d+ is already in use`)],
  ["FatalPythonError", /^Fatal Python error/],
  ["ImportFailed", new RegExp(String.raw`${LEVEL}\s*[\d.]+ seconds \(IMPORT FAILED\)`)],
];

export function scanLogLine(text: string): LogFinding | null {
  const found = PATTERNS.find(([, pattern]) => pattern.test(text));
  if (found !== undefined) return found[0];
  return isGpuFaultLine(text) ? "GpuFault" : null;
}

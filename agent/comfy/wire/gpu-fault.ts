/**
 * After one of these the CUDA context is broken: every later job fails until the process is started anew. A tenant's text
 * may stand in any exception's message, so the exception's type and the beginning of its message decide.
 */
const FAULT_TYPE = /^(torch\.\w*Error|RuntimeError|AcceleratorError)$/;
const FAULT_REASON = /^(CUDA (driver )?error\b|Triton Error \[CUDA\]: )/;
const OUT_OF_MEMORY = /out of memory|CUBLAS_STATUS_ALLOC_FAILED/i;
/** An exception as the last line of a traceback has it. */
const EXCEPTION_LINE = /^([\w.]+): (.*)$/;

export function isGpuFault(type: string | null, reason: string): boolean {
  return type !== null && FAULT_TYPE.test(type) && FAULT_REASON.test(reason) && !OUT_OF_MEMORY.test(reason);
}

/** The same of a line of the log. */
export function isGpuFaultLine(line: string): boolean {
  const [, type = null, reason = ""] = EXCEPTION_LINE.exec(line) ?? [];
  return isGpuFault(type, reason);
}

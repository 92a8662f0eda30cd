/** What the process says with its exit code. */
import type { ErrorCode } from "../../contracts/errors.ts";

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unauthorized: 3,
  notFound: 4,
  jobFailed: 5,
  timeout: 6,
  noCapacity: 7,
  interrupted: 130,
} as const;

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  invalid_input: EXIT.usage,
  invalid_json: EXIT.usage,
  invalid_workflow: EXIT.usage,
  workflow_format_ui: EXIT.usage,
  missing_asset: EXIT.usage,
  payload_too_large: EXIT.usage,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  not_found: EXIT.notFound,
  timeout: EXIT.timeout,
  expired: EXIT.timeout,
  no_progress: EXIT.timeout,
  canceled: EXIT.jobFailed,
  execution_failed: EXIT.jobFailed,
  out_of_memory: EXIT.jobFailed,
  gpu_fault: EXIT.jobFailed,
  output_missing: EXIT.jobFailed,
  pod_lost: EXIT.jobFailed,
};

export function exitCodeOf(code: ErrorCode): number {
  return BY_CODE[code] ?? EXIT.failure;
}

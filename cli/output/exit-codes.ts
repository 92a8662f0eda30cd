/** What the process says with its exit code. */
import { z } from "zod";
import type { ErrorCode, FleetError } from "../../contracts/errors.ts";
import { JobState } from "../../contracts/job-state.ts";

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unauthorized: 3,
  notFound: 4,
  jobFailed: 5,
  timeout: 6,
  interrupted: 130,
} as const;

/** Of an error by itself; a code that is not here is a plain failure. */
const BY_CODE: Partial<Record<ErrorCode, number>> = {
  invalid_input: EXIT.usage,
  invalid_json: EXIT.usage,
  invalid_workflow: EXIT.usage,
  workflow_format_ui: EXIT.usage,
  missing_asset: EXIT.usage,
  payload_too_large: EXIT.usage,
  metadata_invalid: EXIT.usage,
  invalid_metadata_filter: EXIT.usage,
  invalid_cursor: EXIT.usage,
  unauthorized: EXIT.unauthorized,
  forbidden: EXIT.unauthorized,
  not_found: EXIT.notFound,
  blob_not_found: EXIT.notFound,
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

/** How a job ended. */
export function exitCodeOfJob(state: JobState, code: ErrorCode | undefined): number {
  switch (state) {
    case "expired":
      return EXIT.timeout;
    case "failed":
      // Whatever its code means of a command: only want of time is told apart.
      return code !== undefined && BY_CODE[code] === EXIT.timeout ? EXIT.timeout : EXIT.jobFailed;
    case "canceled":
      return EXIT.jobFailed;
    case "queued":
    case "running":
    case "canceling":
    case "succeeded":
      return EXIT.ok;
  }
}

/** What an error of {@link JobResult} carries. */
const EndedJob = z.object({ job: z.object({ state: JobState }) });

/** An error that tells of a job's end says so, and not that the command failed: its code is that of the job. */
export function exitCodeOf(error: FleetError): number {
  const ended = EndedJob.safeParse(error.details);
  const ofJob = ended.success ? exitCodeOfJob(ended.data.job.state, error.code) : EXIT.ok;
  return ofJob === EXIT.ok ? BY_CODE[error.code] ?? EXIT.failure : ofJob;
}

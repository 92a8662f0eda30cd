/**
 * Every error a caller can meet: one registry of stable codes, one envelope, one class.
 * Codes are those of the Comfy API v2 where it has one. Match on `code`, never on the message.
 */
import { z } from "zod";

interface CodeInfo {
  /** HTTP status of a response that carries the code. */
  status: number;
  /** Whether the same request may succeed later, unchanged. */
  retryable: boolean;
}

/** Code → HTTP status and retryability. Codes are never renamed or reused. */
export const ERROR_CODES = {
  // the request
  invalid_input: { status: 400, retryable: false },
  invalid_json: { status: 400, retryable: false },
  invalid_workflow: { status: 422, retryable: false },
  workflow_format_ui: { status: 422, retryable: false },
  missing_asset: { status: 422, retryable: false },
  hash_mismatch: { status: 409, retryable: false },
  payload_too_large: { status: 413, retryable: false },
  range_not_satisfiable: { status: 416, retryable: false },
  upload_interrupted: { status: 400, retryable: true },
  idempotency_key_reuse: { status: 409, retryable: false },
  conflict: { status: 409, retryable: false },
  metadata_invalid: { status: 422, retryable: false },
  invalid_metadata_filter: { status: 422, retryable: false },
  invalid_cursor: { status: 400, retryable: false },
  asset_in_use: { status: 409, retryable: false },
  blob_not_found: { status: 404, retryable: false },
  // the caller
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  rate_limited: { status: 429, retryable: true },
  queue_full: { status: 429, retryable: true },
  too_many_streams: { status: 429, retryable: true },
  // the fleet
  edge_unreachable: { status: 503, retryable: true },
  edge_stopping: { status: 503, retryable: true },
  timeout: { status: 504, retryable: true },
  canceled: { status: 409, retryable: false },
  expired: { status: 409, retryable: false },
  internal: { status: 500, retryable: true },
  // edge ↔ agent
  agent_unreachable: { status: 502, retryable: true },
  agent_incompatible: { status: 502, retryable: false },
  // a daemon that is not there may come; a policy or key that is wrong will not mend itself
  tailnet_unavailable: { status: 503, retryable: true },
  wrong_pod: { status: 409, retryable: false },
  stale_epoch: { status: 409, retryable: false },
  slot_busy: { status: 409, retryable: true },
  comfy_unavailable: { status: 503, retryable: true },
  pod_lost: { status: 502, retryable: true },
  // how a job ends when it fails
  execution_failed: { status: 422, retryable: false },
  out_of_memory: { status: 422, retryable: false },
  gpu_fault: { status: 422, retryable: true },
  no_progress: { status: 504, retryable: true },
  output_missing: { status: 502, retryable: true },
} as const satisfies Record<string, CodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

export const ErrorCode = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);

/** The one shape of an error on the wire. */
export const ErrorEnvelope = z.object({
  code: ErrorCode,
  /** "Cannot X: Y", one sentence, for people. */
  message: z.string(),
  /** What to do about it. */
  hint: z.string().optional(),
  /** Structured facts, by code; e.g. `{ nodeErrors }` with `invalid_workflow`. */
  details: z.record(z.string(), z.unknown()).optional(),
  retryable: z.boolean(),
  /** Echo of the request's `x-request-id`, to find its log line. */
  requestId: z.string().optional(),
});
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;

export interface FleetErrorOptions {
  hint?: string | undefined;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
  requestId?: string | undefined;
  /** Overrides the code's own retryability. */
  retryable?: boolean | undefined;
  /** When the same request may be tried again, ms from now: `details.retryAfterMs`, and the header `retry-after`. */
  retryAfterMs?: number | undefined;
}

const RetryAfter = z.object({ retryAfterMs: z.number().min(0) });

const MARK = Symbol.for("comfyfleet.FleetError");

/** The only error class that crosses a boundary of ours. Use {@link FleetError.is}, which survives duplicate copies of this package. */
export class FleetError extends Error {
  override readonly name = "FleetError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: FleetErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    const { details, retryAfterMs } = options;
    this.details = retryAfterMs === undefined ? details : { ...details, retryAfterMs };
    this.requestId = options.requestId;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    Object.defineProperty(this, MARK, { value: true });
  }

  static is(value: unknown): value is FleetError {
    return typeof value === "object" && value !== null && MARK in value;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  /** When to try again, ms from when the error was made; null where nobody can say. */
  get retryAfterMs(): number | null {
    return RetryAfter.safeParse(this.details).data?.retryAfterMs ?? null;
  }

  toEnvelope(requestId?: string): ErrorEnvelope {
    const id = requestId ?? this.requestId;
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
      retryable: this.retryable,
      ...(id === undefined ? {} : { requestId: id }),
    };
  }

  static fromEnvelope(envelope: ErrorEnvelope, cause?: unknown): FleetError {
    const { code, message, ...rest } = envelope;
    return new FleetError(code, message, { ...rest, cause });
  }
}

/** The one place where an unknown failure becomes an error for a caller: its message stays inside. */
export function toFleetError(error: unknown): FleetError {
  if (FleetError.is(error)) return error;
  if (error instanceof Error && FleetError.is(error.cause)) return error.cause;
  return new FleetError("internal", "Cannot complete the request: an internal error occurred", {
    hint: "Retry; if it persists, look for the request id in the log of the edge or agent.",
    cause: error,
  });
}

/** What a failed `attempts.start` means for the job. Pure. */
import { z } from "zod";
import type { FleetError } from "../../contracts/errors.ts";
import { JobError } from "../../contracts/job.ts";

/**
 * - `give_back`: the pod cannot take it now and has not, and says so itself or through its session; nobody is to blame.
 * - `fail`: the workflow itself is refused, or cannot even be sent; no pod would take it.
 * - `count_loss`: this pod has not taken it for a reason that should not occur; bounded by the count of losses.
 * - `unanswered`: the agent may have it or not; ask. One that has it not is `count_loss`.
 */
export type StartVerdict = "give_back" | "fail" | "count_loss" | "unanswered";

export function judgeStart(error: FleetError): StartVerdict {
  switch (error.code) {
    case "slot_busy":
    case "comfy_unavailable":
    case "edge_stopping":
    case "stale_epoch":
    case "wrong_pod":
    case "unauthorized":
    case "forbidden":
      return "give_back";
    case "invalid_workflow":
    case "workflow_format_ui":
    case "missing_asset":
    case "payload_too_large":
      return "fail";
    case "agent_unreachable":
      return error.details?.sent === false ? "give_back" : "unanswered";
    case "internal":
      return error.details?.sent === false ? "fail" : "unanswered";
    case "agent_incompatible":
    case "timeout":
      return "unanswered";
    default:
      return "count_loss";
  }
}

const NodeErrors = z.object({ nodeErrors: JobError.shape.nodeErrors });

/** The refusal as the job's own error, with the nodes to blame where the agent named them. */
export function toJobError(error: FleetError): JobError {
  const details = NodeErrors.safeParse(error.details ?? {});
  const nodeErrors = details.success ? details.data.nodeErrors : null;
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(nodeErrors ? { nodeErrors } : {}),
  };
}

/** What an edge is told when the agent does not take an order. */
import { FleetError } from "../../contracts/errors.ts";
import type { AttemptId } from "../../contracts/ids.ts";
import type { JobError } from "../../contracts/job.ts";
import type { ComfyStatus } from "../comfy/port.ts";

export function attemptUnknown(attemptId: AttemptId): FleetError {
  return new FleetError("not_found", `Cannot find attempt '${attemptId}': it was never accepted here, or is released`, {
    hint: "Start it, or ask the pod that has it.",
  });
}

export function alreadyReleased(attemptId: AttemptId): FleetError {
  return new FleetError("conflict", `Cannot start attempt '${attemptId}': it has run here and is released`, {
    hint: "Make a new attempt with an id of its own.",
  });
}

export function stillRunning(attemptId: AttemptId): FleetError {
  return new FleetError("conflict", `Cannot release attempt '${attemptId}': it is not final`, {
    hint: "Cancel it and wait for its final report first.",
  });
}

export function onItsWay(attemptId: AttemptId): FleetError {
  return new FleetError("conflict", `Cannot withdraw attempt '${attemptId}': ComfyUI may have it already`, {
    hint: "Cancel it instead.",
  });
}

export function slotBusy(holder: AttemptId | null): FleetError {
  return new FleetError("slot_busy", "Cannot start attempt: the slot is taken", {
    hint: "Wait for the pod's next report, or name the running attempt in 'after'.",
    ...(holder === null ? {} : { details: { attemptId: holder } }),
  });
}

export function comfyNotReady(status: ComfyStatus): FleetError {
  const why = status.evicting.length > 0 ? "may still run a prompt that was given up" : `is ${status.state}`;
  return new FleetError("comfy_unavailable", `Cannot start attempt: ComfyUI ${why}`, {
    hint: "Wait for the pod's condition ComfyReady; its message says what is wrong.",
    details: { reason: status.reason },
  });
}

/** Of an order that had not begun. */
export const GOING_AWAY: JobError = {
  code: "comfy_unavailable",
  message: "Cannot run here: the pod is going away",
  hint: "The job is queued again by itself.",
};

export function agentStopping(): FleetError {
  return new FleetError("comfy_unavailable", "Cannot start attempt: the agent is stopping", {
    hint: "Use another pod.",
  });
}

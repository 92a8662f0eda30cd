/** The edge's own words about a pod, beside those of its agent. Pure. */
import type { ErrorCode, FleetError } from "../../contracts/errors.ts";
import { toTimestamp } from "../../contracts/ids.ts";
import type { Condition } from "../../contracts/pod.ts";

export type ConditionChange = Pick<Condition, "type" | "status" | "reason" | "message">;

/** The list with this condition in it; `since` moves only when the status does. */
export function setCondition(conditions: readonly Condition[], change: ConditionChange, nowMs: number): Condition[] {
  const previous = conditions.find((condition) => condition.type === change.type);
  const since = previous?.status === change.status ? previous.since : toTimestamp(nowMs);
  return [...conditions.filter((condition) => condition.type !== change.type), { ...change, since }];
}

/** What only the edge can know. */
const OURS: ReadonlySet<Condition["type"]> = new Set(["Reachable", "ProtocolCompatible", "PathDirect"]);

/** What the agent says about itself, with the edge's own conditions kept as they are. */
export function mergeConditions(ours: readonly Condition[], agents: readonly Condition[]): Condition[] {
  return [...ours.filter(({ type }) => OURS.has(type)), ...agents.filter(({ type }) => !OURS.has(type))];
}

export const REACHABLE: ConditionChange = {
  type: "Reachable",
  status: "true",
  reason: "BeatAnswered",
  message: "The agent answers.",
};

export const COMPATIBLE: ConditionChange = {
  type: "ProtocolCompatible",
  status: "true",
  reason: "VersionsMeet",
  message: "Edge and agent speak a common protocol version.",
};

/** Answers that say why a reachable agent will not work for this edge; other failures are mere silence. */
const REFUSALS: Partial<Record<ErrorCode, { reason: string; message: string }>> = {
  unauthorized: {
    reason: "Unauthorized",
    message: "The agent refuses this edge's secret. Give both the same one.",
  },
  forbidden: {
    reason: "Forbidden",
    message: "The agent does not let this edge in: its tailnet's policy gives this edge no role there.",
  },
  wrong_pod: {
    reason: "WrongPod",
    message: "The agent belongs to another pod id. Clear its state directory, or give its address to that pod.",
  },
};

/** What a look at the pod that failed says about it; nothing while it is too early to say. */
export function refusedBy(error: FleetError, silence: { ms: number; unreachableMs: number }): ConditionChange[] {
  if (error.code === "agent_incompatible") {
    return [REACHABLE, {
      type: "ProtocolCompatible",
      status: "false",
      reason: "NoCommonVersion",
      message: `${error.message}.${error.hint === undefined ? "" : ` ${error.hint}`}`,
    }];
  }
  const refusal = REFUSALS[error.code];
  if (refusal) return [{ type: "Reachable", status: "false", ...refusal }];
  if (silence.ms < silence.unreachableMs) return [];
  return [{
    type: "Reachable",
    status: "unknown",
    reason: "NoAnswer",
    message: `The agent has not answered for ${Math.floor(silence.ms / 1_000)} s. Check the pod and the network.`,
  }];
}

/** What `doctor` looks at on each pod: the edge's word on it, then the pod itself through the edge. */
import type { ComfyReport, Fleet, Pod } from "../../client/mod.ts";
import { toFleetError } from "../../contracts/errors.ts";
import type { Condition } from "../../contracts/pod.ts";
import { type Check, clockCheck, failed, ok, skipped, warning } from "./check.ts";

const CHECK_ADDRESS =
  "Check that its agent runs, and that its address in EDGE_PODS is right and reachable from the edge.";

/** By the condition's reason. */
const FIXES: Readonly<Record<string, string>> = {
  NoAnswer: CHECK_ADDRESS,
  Unauthorized: "Give the pod's entry in EDGE_PODS the secret that its agent was started with (AGENT_SECRET).",
  WrongPod: "Clear the agent's state directory, or give its address to the pod that it belongs to.",
  NoSession: "Put the pod back into EDGE_PODS of an edge that runs, or forget it.",
  NoCommonVersion: "Run the same version of edge and agent.",
};

function conditionCheck(name: string, condition: Condition | undefined, missing: Check): Check {
  if (!condition) return missing;
  const { status, message, reason } = condition;
  return status === "true" ? ok(name, message) : failed(name, message, FIXES[reason] ?? CHECK_ADDRESS);
}

/** What the edge knows of it. Pure. */
export function knownPodChecks(pod: Pod, command: string): Check[] {
  const label = `pod ${pod.name}`;
  const of = (type: Condition["type"]) => pod.conditions.find((condition) => condition.type === type);
  const never = failed(`${label} reachable`, "has not answered this edge yet", CHECK_ADDRESS);
  const reachable = conditionCheck(`${label} reachable`, of("Reachable"), never);
  const unknown = skipped(`${label} protocol`, "not known before the pod has answered");
  const protocol = conditionCheck(`${label} protocol`, of("ProtocolCompatible"), unknown);
  return [reachable, protocol, readyCheck(pod, command)];
}

function readyCheck(pod: Pod, command: string): Check {
  const name = `pod ${pod.name} ready`;
  const { phase, cordon } = pod;
  if (cordon && (phase === "ready" || phase === "draining")) {
    const why = cordon.reason === "" ? "" : `: ${cordon.reason}`;
    return warning(name, `is cordoned and gets no work${why}`, `${command} pods uncordon ${pod.name}`);
  }
  if (phase === "ready") return ok(name, `${pod.slotsBusy} of ${pod.slotsTotal} slots busy`);
  const fix = phase === "starting"
    ? `See what ComfyUI says: ${command} pods logs ${pod.name}`
    : "See above; it takes jobs again as soon as it answers.";
  return failed(name, `is ${phase}`, fix);
}

function comfyCheck(pod: Pod, report: ComfyReport, command: string): Check {
  const name = `pod ${pod.name} ComfyUI`;
  const [message = ""] = report.message.split("\n", 1);
  if (report.takesJobs) return ok(name, message);
  const fix = report.mode === "attached"
    ? "Start or restart ComfyUI where it runs: the agent is attached to it."
    : `See why with '${command} pods logs ${pod.name}'; start it anew with '${command} pods restart ${pod.name}'.`;
  return failed(name, `${report.state} (${report.reason}): ${message}`, fix);
}

/** Asks the pod itself, the way that every operator's call goes. */
export async function livePodChecks(fleet: Fleet, pod: Pod, command: string): Promise<Check[]> {
  const sentMs = Date.now();
  try {
    const report = await fleet.call(() => fleet.pod(pod.id).comfy.status.query());
    const clock = clockCheck(`pod ${pod.name} clock`, Date.parse(report.now), { sentMs, gotMs: Date.now() });
    return [comfyCheck(pod, report, command), clock];
  } catch (error) {
    const { message, hint } = toFleetError(error);
    return [failed(`pod ${pod.name} ComfyUI`, message, hint ?? CHECK_ADDRESS)];
  }
}

/** What `doctor` looks at on each pod: the edge's word on it, then the pod itself through the edge. */
import type { ComfyReport, Fleet, Pod } from "../../client/mod.ts";
import { toFleetError } from "../../contracts/errors.ts";
import type { Condition } from "../../contracts/pod.ts";
import {
  comfyFix,
  conditionFix,
  conditionOf,
  isAwaited,
  noGpuWatched,
  unwatchedGpu,
} from "../../contracts/pod-health.ts";
import { type Check, clockCheck, failed, ok, skipped, warning } from "./check.ts";

function conditionCheck(pod: Pod, type: Condition["type"], { what, missing, command }: ConditionLine): Check {
  const name = `pod ${pod.name} ${what}`;
  const condition = conditionOf(pod, type);
  if (!condition) return missing(name);
  const { status, message } = condition;
  return status === "true" ? ok(name, message) : failed(name, message, conditionFix(pod, condition, command));
}

interface ConditionLine {
  /** Words for the line. */
  what: string;
  /** The line of a pod without such a condition. */
  missing: (name: string) => Check;
  command: string;
}

/** What the edge knows of it. Pure. */
export function knownPodChecks(pod: Pod, command: string): Check[] {
  if (isAwaited(pod)) {
    const message = conditionOf(pod, "Reachable")?.message ?? "is awaited";
    return [skipped(`pod ${pod.name}`, message)];
  }
  const never = (name: string) => failed(name, "has not answered this edge yet", conditionFix(pod, undefined, command));
  const unknown = (name: string) => skipped(name, "not known before the pod has answered");
  return [
    conditionCheck(pod, "Reachable", { what: "reachable", missing: never, command }),
    conditionCheck(pod, "ProtocolCompatible", { what: "protocol", missing: unknown, command }),
    readyCheck(pod, command),
    gpuCheck(pod, command),
  ];
}

/** Of the same condition as `/healthz`, so that both say the same. */
function gpuCheck(pod: Pod, command: string): Check {
  const noGpu = noGpuWatched(pod);
  const unwatched = unwatchedGpu(pod);
  const name = `pod ${pod.name} GPU`;
  if (noGpu !== null) return ok(name, noGpu);
  if (unwatched) return warning(name, unwatched.message, conditionFix(pod, unwatched, command));
  const missing = () => skipped(name, "its agent has not judged it");
  return conditionCheck(pod, "GpuHealthy", { what: "GPU", missing, command });
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
  const fix = comfyFix(pod.name, report.mode, command);
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
    return [failed(`pod ${pod.name} ComfyUI`, message, hint ?? conditionFix(pod, undefined, command))];
  }
}

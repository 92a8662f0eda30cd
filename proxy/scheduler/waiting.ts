/** Why jobs of one placement key wait, in words for people: the pod that comes nearest decides. Pure. */
import type { Waiting } from "../../contracts/job.ts";
import type { Needs } from "../store/new-job.ts";
import { isCapable, type Lacking, type LackingLookup } from "./capability.ts";
import { type PlannedPod, type PodGroup, takesWork } from "./pod-groups.ts";
import { allUnhealthy } from "./unhealthy.ts";

const MAX_NAMED = 5;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).join(", ");
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
}

function counted(pods: readonly PlannedPod[], [one, many]: [one: string, many: string]): string {
  const [only] = pods;
  return only && pods.length === 1 ? `Pod '${only.name}' ${one}` : `${pods.length} pods ${many}`;
}

/** Missing classes weigh most and missing files least: files are fetched, classes are installed. */
function nearer({ lacking: a }: { lacking: Lacking }, { lacking: b }: { lacking: Lacking }): number {
  return a.classes.length - b.classes.length || Number(a.refused) - Number(b.refused) ||
    a.models.length - b.models.length;
}

function modelName({ classType, input, name }: Needs["models"][number]): string {
  return `'${name}' (${classType}.${input})`;
}

function lackingReason(pod: PlannedPod, { refused, classes, models }: Lacking): Waiting {
  if (classes.length > 0) {
    const noun = classes.length === 1 ? "class" : "classes";
    const names = listed(classes.map((name) => `'${name}'`));
    return {
      reason: "no_capable_pod",
      message: `No pod can run it: the nearest, '${pod.name}', lacks the ${noun} ${names}.`,
    };
  }
  if (refused) {
    return {
      reason: "no_capable_pod",
      message: `No pod can run it: the nearest, '${pod.name}', runs a ComfyUI that refuses this graph.`,
    };
  }
  return {
    reason: "missing_model",
    message: `No pod has every model: the nearest, '${pod.name}', lacks ${listed(models.map(modelName))}.`,
  };
}

/** For a job that no free slot could take. */
export function explainWaiting(groups: readonly PodGroup[], placementKey: string, lookup: LackingLookup): Waiting {
  const unknown: PlannedPod[] = [];
  const capable: PlannedPod[] = [];
  const incapable: { pod: PlannedPod; lacking: Lacking }[] = [];
  for (const { sha256, pods } of groups) {
    const lacking = sha256 === null ? null : lookup(placementKey, sha256);
    const [first] = pods;
    if (lacking === null) unknown.push(...pods);
    else if (isCapable(lacking)) capable.push(...pods);
    else if (first) incapable.push({ pod: first, lacking });
  }
  const open = capable.filter((pod) => !pod.cordoned);
  const accepting = open.filter(takesWork);
  if (accepting.length > 0) {
    const message = counted(accepting, ["can run it, but has no free slot.", "can run it, but none has a free slot."]);
    return { reason: "pods_busy", message };
  }
  const unhealthy = allUnhealthy([...open, ...unknown]);
  if (unhealthy) return unhealthy;
  if (open.length > 0) {
    const sick = open.filter(({ gpu }) => gpu.state === "unhealthy").length;
    const why = sick === 0 ? "" : ` Of them, ${sick} ${sick === 1 ? "has an unhealthy GPU" : "have unhealthy GPUs"}.`;
    const message = counted(open, ["can run it, but is not ready.", "can run it, but none is ready."]);
    return { reason: "pods_not_ready", message: `${message}${why}` };
  }
  if (capable.length > 0) {
    const message = counted(capable, [
      "can run it, but is cordoned: an operator lets it take no new work.",
      "can run it, but all are cordoned: an operator lets them take no new work.",
    ]);
    return { reason: "pods_cordoned", message };
  }
  if (unknown.length > 0) {
    const message = counted(unknown, ["has not told yet what it can run.", "have not told yet what they can run."]);
    return { reason: "pods_not_ready", message };
  }
  const [nearest] = incapable.toSorted(nearer);
  return nearest ? lackingReason(nearest.pod, nearest.lacking) : { reason: "no_pods", message: "No pod is connected." };
}

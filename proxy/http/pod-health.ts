/** A pod as a component of `/healthz`: what its conditions and its phase say. Pure. */
import type { Pod } from "../../contracts/pod.ts";
import {
  conditionFix,
  isAwaited,
  noGpuWatched,
  slowPath,
  troubleOf,
  unwatchedGpu,
} from "../../contracts/pod-health.ts";

/** `failing` needs somebody. */
export interface ComponentHealth {
  name: string;
  status: "ok" | "failing";
  message: string;
  /** What to do; null where nothing is to be done. */
  fix: string | null;
}

const COMMAND = "comfyfleet";

export function podHealth(pod: Pod): ComponentHealth {
  const name = `pod ${pod.name}`;
  const works = pod.phase === "ready" || pod.phase === "draining";
  if (isAwaited(pod)) {
    return { name, status: "ok", message: "The pod is awaited: nobody has joined as it yet", fix: null };
  }
  const state = `The pod is ${pod.phase}${pod.cordon ? " and cordoned" : ""}`;
  const trouble = troubleOf(pod);
  if (trouble || !works) {
    const fix = conditionFix(pod, trouble, COMMAND);
    return { name, status: "failing", message: trouble?.message ?? state, fix };
  }
  // Unknown is no failure: such a pod keeps its work.
  const unwatched = unwatchedGpu(pod);
  if (unwatched) {
    const fix = conditionFix(pod, unwatched, COMMAND);
    return { name, status: "ok", message: `${state}. ${unwatched.message}`, fix };
  }
  const relayed = slowPath(pod);
  if (relayed) {
    const fix = conditionFix(pod, relayed, COMMAND);
    return { name, status: "ok", message: `${state}. ${relayed.message}`, fix };
  }
  const noGpu = noGpuWatched(pod);
  return { name, status: "ok", message: noGpu === null ? state : `${state}; ${noGpu}`, fix: null };
}

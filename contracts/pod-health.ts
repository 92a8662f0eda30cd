/** What a pod's conditions ask of somebody, and what to do. Pure; `/healthz`, `doctor` and `pods ls` judge by it. */
import { gpuFixIn } from "./agent/gpu-words.ts";
import type { Condition, Pod, PodCapability } from "./pod.ts";

type Judged = Pick<Pod, "name" | "conditions" | "capability">;

export function conditionOf({ conditions }: Pick<Pod, "conditions">, type: Condition["type"]): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** By the reason of `GpuHealthy=unknown`: why there is nothing to ask. */
const NO_GPU: Readonly<Record<string, string>> = { SmiMissing: "no nvidia-smi", NoGpu: "nvidia-smi finds none" };

/** Words for a pod whose GPU nobody watches and nobody need: ComfyUI works on no CUDA device. Else null. */
export function noGpuWatched({ conditions, capability }: Judged): string | null {
  const gpu = conditionOf({ conditions }, "GpuHealthy");
  const why = gpu?.status === "unknown" ? NO_GPU[gpu.reason] : undefined;
  if (why === undefined || capability?.devices.some(({ type }) => type === "cuda")) return null;
  return `no GPU is watched (${why})`;
}

/** Reason of `Reachable=unknown` of a pod that is enrolled and that nobody has joined as. */
export const AWAITED = "Awaited";

/** Nothing is wrong with one that has its time yet. */
export function isAwaited({ conditions }: Pick<Pod, "conditions">): boolean {
  return conditions.some(({ reason }) => reason === AWAITED);
}

/** What keeps work from the pod, or makes it the last to get some. An unknown GPU does neither. */
export function troubleOf({ conditions }: Judged): Condition | undefined {
  if (isAwaited({ conditions })) return undefined;
  return conditions.find(({ type, status }) =>
    type !== "PathDirect" && (status === "false" || (status === "unknown" && type !== "GpuHealthy"))
  );
}

/** A path through a relay: it works, and is slow. */
export function slowPath(pod: Judged): Condition | undefined {
  const path = conditionOf(pod, "PathDirect");
  return path?.status === "false" ? path : undefined;
}

/** A GPU of which nobody knows how it is, although there should be a way. */
export function unwatchedGpu(pod: Judged): Condition | undefined {
  const gpu = conditionOf(pod, "GpuHealthy");
  return gpu?.status === "unknown" && noGpuWatched(pod) === null ? gpu : undefined;
}

const CHECK_ADDRESS =
  "Check that its agent runs, and that its address in EDGE_PODS is right and reachable from the edge.";

/** What to do about a path through a relay. */
export const OPEN_UDP =
  "Open UDP between pod and edge, best with a public address and a fixed port for the edge's tailscaled.";

/** By the condition's reason. */
const FIXES: Readonly<Record<string, string>> = {
  NoAnswer: CHECK_ADDRESS,
  [AWAITED]: "Start it with the command that 'pods enroll' printed; once its key has ended, enroll another.",
  Unauthorized: "Give the pod's entry in EDGE_PODS the secret that its agent was started with (AGENT_SECRET).",
  WrongPod: "Clear the agent's state directory, or give its address to the pod that it belongs to.",
  Forbidden: "Give the edge's node the tag 'tag:edge', and that tag the role 'invoke' in the policy's app grant.",
  Removed: "Start the pod again with a new key from 'comfyfleet pods enroll'.",
  Relayed: OPEN_UDP,
  NoSession: "Put the pod back into EDGE_PODS of an edge that runs, or take it out of the list with 'pods remove'.",
  NoCommonVersion: "Run the same version of edge and agent.",
  SmiMissing: "Mount the NVIDIA driver's tools into the container, or name the program in AGENT_NVIDIA_SMI.",
  NoGpu: "Start the container with its GPU and the NVIDIA runtime.",
  NotPermitted: "Let the container ask the driver: look at its seccomp profile and its user mapping.",
  ProbeFailed: "Run nvidia-smi in the pod's container and see what it says.",
  ProbeStarting: "Wait for the first sample of nvidia-smi; it has 45 s.",
};

/**
 * What to do about a condition that is not true; undefined: the pod has none yet.
 * @param command what a person types
 */
export function conditionFix({ name, capability }: Judged, condition: Condition | undefined, command: string): string {
  if (condition === undefined) return CHECK_ADDRESS;
  const { type, reason, message, status } = condition;
  if (type === "GpuHealthy") {
    const known = status === "unknown" ? FIXES[reason] : gpuFixIn(message);
    return known ?? `See its reasons with '${command} pods get ${name}'; where it is hot, look at its node's cooling.`;
  }
  if (type !== "ComfyReady") return FIXES[reason] ?? CHECK_ADDRESS;
  return comfyFix(name, capability?.comfyMode, command);
}

/** What to do about a ComfyUI that takes no jobs. */
export function comfyFix(name: string, mode: PodCapability["comfyMode"] | undefined, command: string): string {
  return mode === "attached"
    ? "Start or restart ComfyUI where it runs: the agent is attached to it."
    : `See why with '${command} pods logs ${name}'; start it anew with '${command} pods restart ${name}'.`;
}

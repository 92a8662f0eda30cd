/** The verdict as a condition, so that it is stored and shown with the others. Pure. */
import type { GpuAction, GpuVerdict } from "../../contracts/agent/gpu.ts";
import type { Condition } from "../../contracts/pod.ts";

const STATUS = { healthy: "true", degraded: "false", unhealthy: "false", unknown: "unknown" } as const;

const CONSEQUENCE: Readonly<Record<Exclude<GpuVerdict["state"], "healthy">, string>> = {
  degraded: "The GPU is degraded: this pod gets work last.",
  unhealthy: "The GPU is unhealthy: this pod gets no work.",
  unknown: "Nobody knows how the GPU is: this pod keeps its work.",
};

const TO_DO: Readonly<Record<GpuAction, string | null>> = {
  none: null,
  restart_app: "Start ComfyUI anew.",
  drain_then_replace: "Drain the pod, then replace it.",
  replace_pod: "Replace the pod.",
};

const AT_THE_NODE: Readonly<Record<NonNullable<GpuVerdict["nodeHint"]>, string>> = {
  reset_gpu: "The node's operator should reset the GPU.",
  reboot: "The node's operator should reboot it.",
  inspect: "The node's operator should inspect the GPU.",
  avoid_node: "Avoid this node.",
};

const MAX_SENTENCES = 3;

export function gpuCondition({ state, since, reasons, action, nodeHint }: GpuVerdict): Condition {
  const status = STATUS[state];
  if (state === "healthy") {
    return { type: "GpuHealthy", status, reason: "Healthy", message: "The GPU is healthy.", since };
  }
  const more = reasons.length - MAX_SENTENCES;
  const sentences = [
    CONSEQUENCE[state],
    ...reasons.slice(0, MAX_SENTENCES).map(({ detail }) => detail),
    more > 0 ? `There are ${more} more reasons.` : null,
    TO_DO[action],
    nodeHint === null ? null : AT_THE_NODE[nodeHint],
  ];
  const message = sentences.filter((sentence) => sentence !== null).join(" ");
  return { type: "GpuHealthy", status, reason: camelCase(reasons[0]?.code ?? state), message, since };
}

/** `row_remap_failed` → `RowRemapFailed`. */
function camelCase(code: string): string {
  return code.split("_").map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join("");
}

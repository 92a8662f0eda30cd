/** The verdict as a condition, so that it is stored and shown with the others. Pure. */
import type { GpuVerdict } from "../../contracts/agent/gpu.ts";
import { gpuFix } from "../../contracts/agent/gpu-words.ts";
import type { Condition } from "../../contracts/pod.ts";

const STATUS = { healthy: "true", degraded: "false", unhealthy: "false", unknown: "unknown" } as const;

const CONSEQUENCE: Readonly<Record<Exclude<GpuVerdict["state"], "healthy">, string>> = {
  degraded: "The GPU is degraded: this pod gets work last.",
  unhealthy: "The GPU is unhealthy: this pod gets no work.",
  unknown: "Nobody knows how the GPU is: this pod keeps its work.",
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
    gpuFix({ action, nodeHint }),
  ];
  const message = sentences.filter((sentence) => sentence !== null).join(" ");
  return { type: "GpuHealthy", status, reason: camelCase(reasons[0]?.code ?? state), message, since };
}

/** `row_remap_failed` → `RowRemapFailed`. */
function camelCase(code: string): string {
  return code.split("_").map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join("");
}

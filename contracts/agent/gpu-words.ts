/** What is to be done about a verdict, in words: at the end of the condition's message, and alone as a fix. Pure. */
import type { GpuAction, GpuVerdict } from "./gpu.ts";

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

/** One sentence or two; null when nobody has to do anything. */
export function gpuFix({ action, nodeHint }: Pick<GpuVerdict, "action" | "nodeHint">): string | null {
  const sentences = [TO_DO[action], nodeHint === null ? null : AT_THE_NODE[nodeHint]];
  return sentences.filter((sentence) => sentence !== null).join(" ") || null;
}

/** What `gpuFix` has put at the end of a condition's message: all that an edge knows of the action. */
export function gpuFixIn(message: string): string | null {
  const toDo = Object.values(TO_DO).filter((sentence) => sentence !== null);
  const atNode = ["", ...Object.values(AT_THE_NODE)];
  const fixes = [...toDo.flatMap((first) => atNode.map((then) => `${first} ${then}`.trim())), ...atNode.slice(1)];
  const found = fixes.filter((fix) => message.endsWith(fix));
  return found.toSorted((a, b) => b.length - a.length)[0] ?? null;
}

/** A pod's phase and its silence, from what the last beats said. Pure. */
import type { Slot } from "../../contracts/agent/messages.ts";
import type { Condition, PodPhase } from "../../contracts/pod.ts";

/** Whether its ComfyUI takes prompts, by the agent's own word. */
export function isComfyReady(conditions: readonly Condition[]): boolean {
  return conditions.find(({ type }) => type === "ComfyReady")?.status === "true";
}

/** `starting` until its ComfyUI answers or a slot says that it did. */
export function answeringPhase(slots: readonly Slot[], conditions: readonly Condition[]): PodPhase {
  const atWork = slots.some((slot) => slot.ready || slot.attemptId !== null);
  return isComfyReady(conditions) || atWork ? "ready" : "starting";
}

/** A silent pod keeps its phase until its silence is long enough to give it up. */
export function silentPhase(previous: PodPhase, silenceMs: number, lostMs: number): PodPhase {
  return silenceMs >= lostMs && previous !== "gone" ? "lost" : previous;
}

/**
 * Silence grows by the time since the last look at the pod, but by no more than one beat's worth a look: an edge that
 * was frozen or starved was not listening, and the pod must not pay for that.
 */
export function addSilence(silenceMs: number, sinceLastLookMs: number, maxStepMs: number): number {
  return silenceMs + Math.min(Math.max(sinceLastLookMs, 0), maxStepMs);
}

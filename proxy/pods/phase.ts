/** A pod's phase and its silence, from what the last beats said. Pure. */
import type { Slot } from "../../contracts/agent/messages.ts";
import type { Condition, PodPhase } from "../../contracts/pod.ts";

/** `starting` until its ComfyUI answers or a slot says that it did. */
export function answeringPhase(slots: readonly Slot[], conditions: readonly Condition[]): PodPhase {
  const comfy = conditions.find(({ type }) => type === "ComfyReady");
  const atWork = slots.some((slot) => slot.ready || slot.attemptId !== null);
  return comfy?.status === "true" || atWork ? "ready" : "starting";
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

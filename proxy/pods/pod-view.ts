/**
 * What a session knows of its pod between two beats: the last beat, and every event since. The planner's view is derived
 * from it, and a slot counts as free from the moment its attempt is reported done with ComfyUI.
 */
import type { GpuVerdict } from "../../contracts/agent/gpu.ts";
import type { BeatResult, PodEvent, Slot } from "../../contracts/agent/messages.ts";
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { BootId } from "../../contracts/ids.ts";
import type { Condition, PodCapability } from "../../contracts/pod.ts";
import { shorten } from "../../contracts/shorten.ts";
import type { LookAhead, PodGpu } from "./port.ts";

export interface PodView {
  bootId: BootId;
  slots: Slot[];
  /** Accepted attempts that no slot named then: see `slotUse`. */
  waiting: LookAhead[];
  capability: PodCapability;
  /** The agent's own, without the edge's. */
  conditions: Condition[];
  /** Null from an agent that does not judge its GPUs. */
  verdict: GpuVerdict | null;
}

export function viewOfBeat(result: BeatResult): PodView {
  const { bootId, slots, capability, conditions, verdict } = result;
  const waiting = result.attempts.filter(({ state }) => state === "accepted").map(lookAheadOf);
  return { bootId, slots, waiting, capability, conditions, verdict };
}

function lookAheadOf({ attemptId, jobId }: AttemptReport): LookAhead {
  return { attemptId, jobId };
}

export function withPodEvent(view: PodView, event: Extract<PodEvent, { type: "pod" }>): PodView {
  const { slots, capability, conditions, verdict } = event;
  return { ...view, slots, capability, conditions, verdict };
}

/** From then on it has no slot. */
export function isDoneWithComfy({ state }: AttemptReport): boolean {
  return state === "collecting" || isAttemptFinal(state);
}

/** Frees the report's slot when ComfyUI is done with it; after a failure only the agent knows whether the slot works. */
export function withReport(before: PodView, report: AttemptReport): PodView {
  const others = before.waiting.filter(({ attemptId }) => attemptId !== report.attemptId);
  const waiting = report.state === "accepted" ? [...others, lookAheadOf(report)] : others;
  const view = waiting.length === before.waiting.length ? before : { ...before, waiting };
  if (!isDoneWithComfy(report) || !view.slots.some((slot) => slot.attemptId === report.attemptId)) return view;
  const works = report.state === "collecting" || report.state === "succeeded";
  const slots = view.slots.map((slot) =>
    slot.attemptId === report.attemptId ? { ...slot, attemptId: null, ready: works || slot.ready } : slot
  );
  return { ...view, slots };
}

export function busySlots(slots: readonly Slot[]): number {
  return slots.filter((slot) => slot.attemptId !== null).length;
}

const MAX_WHY_CHARS = 300;

export function gpuOf({ verdict }: PodView): PodGpu {
  if (verdict === null) return { state: "unknown", why: null };
  const detail = verdict.reasons[0]?.detail;
  return { state: verdict.state, why: detail === undefined ? null : shorten(detail, MAX_WHY_CHARS) };
}

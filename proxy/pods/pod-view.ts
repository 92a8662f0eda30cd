/**
 * What a session knows of its pod between two beats: the last beat, and every event since. The planner's view is derived
 * from it, and a slot counts as free from the moment its attempt is reported done with ComfyUI.
 */
import type { BeatResult, PodEvent, Slot } from "../../contracts/agent/messages.ts";
import { type AttemptReport, isAttemptFinal } from "../../contracts/attempt.ts";
import type { BootId } from "../../contracts/ids.ts";
import type { Condition, PodCapability } from "../../contracts/pod.ts";

export interface PodView {
  bootId: BootId;
  slots: Slot[];
  capability: PodCapability;
  /** The agent's own, without the edge's. */
  conditions: Condition[];
}

export function viewOfBeat(result: BeatResult): PodView {
  const { bootId, slots, capability, conditions } = result;
  return { bootId, slots, capability, conditions };
}

export function withPodEvent(view: PodView, event: Extract<PodEvent, { type: "pod" }>): PodView {
  return { ...view, slots: event.slots, capability: event.capability, conditions: event.conditions };
}

/** Frees the report's slot when ComfyUI is done with it; after a failure only the agent knows whether the slot works. */
export function withReport(view: PodView, report: AttemptReport): PodView {
  const done = report.state === "collecting" || isAttemptFinal(report.state);
  if (!done || !view.slots.some((slot) => slot.attemptId === report.attemptId)) return view;
  const works = report.state === "collecting" || report.state === "succeeded";
  const slots = view.slots.map((slot) =>
    slot.attemptId === report.attemptId ? { ...slot, attemptId: null, ready: works || slot.ready } : slot
  );
  return { ...view, slots };
}

export function busySlots(slots: readonly Slot[]): number {
  return slots.filter((slot) => slot.attemptId !== null).length;
}

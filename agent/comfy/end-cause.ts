import type { EndReason } from "./reasons.ts";

/** Why a ComfyUI is no longer used: one word for machines, a text for people. */
export interface EndCause {
  reason: EndReason;
  /** Full sentences. */
  message: string;
}

export const EARLIER_RUN: EndCause = {
  reason: "EarlierRun",
  message: "a run from before the agent's restart may not have ended",
};

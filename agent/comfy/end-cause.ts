import type { EndReason } from "./reasons.ts";

/** Why a ComfyUI is no longer used: one word for machines, a text for people. */
export interface EndCause {
  reason: EndReason;
  /** Full sentences. */
  message: string;
}

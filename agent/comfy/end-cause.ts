/** Why a ComfyUI is no longer used: one word for machines, a text for people. */
export interface EndCause {
  /** CamelCase, e.g. `Crashed`. */
  reason: string;
  /** Full sentences. */
  message: string;
}

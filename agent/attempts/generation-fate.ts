/** Whether the ComfyUI that an attempt was given to still lives. */
import type { ComfyStatus } from "../comfy/port.ts";

export type Fate = "alive" | "gone" | "unsure";

/**
 * `unsure` is the time after a restart of the agent in which a living ComfyUI may still be adopted. Once this process has
 * seen the generation alive, or the supervisor has given up on adopting, its absence means that it is gone.
 */
export function generationFate(generationId: string, status: ComfyStatus, seenAlive: boolean): Fate {
  if (status.generation !== null) return status.generation.id === generationId ? "alive" : "gone";
  return seenAlive || status.state === "backoff" ? "gone" : "unsure";
}

/** The life of ComfyUI as data: which state may follow which. Both modes use the same table. */
import type { ComfyState, ComfyStatus } from "./port.ts";

/**
 * - `stopped`: nothing runs and nothing is meant to. `start()` leaves it.
 * - `starting`: a process is adopted or spawned (attached: looked for) and is not known to be ready.
 * - `ready`: it answered with the right identity, its `/object_info` is read and its socket is open.
 * - `backoff`: it ended, was ended or stopped answering; the next start waits.
 * - `stopping`: `stop()` was called and the process is not gone yet.
 */
export const COMFY_TRANSITIONS: Readonly<Record<ComfyState, readonly ComfyState[]>> = {
  stopped: ["starting"],
  starting: ["ready", "backoff", "stopping"],
  ready: ["backoff", "stopping"],
  backoff: ["starting", "stopping"],
  stopping: ["stopped"],
};

/** @throws Error when the table does not have the step: a bug of ours, never a state of ComfyUI's. */
export function assertComfyTransition(from: ComfyState, to: ComfyState): void {
  if (!COMFY_TRANSITIONS[from].includes(to)) {
    throw new Error(
      `Cannot move ComfyUI from ${from} to ${to}: ${from} leads to ${COMFY_TRANSITIONS[from].join(", ")}`,
    );
  }
}

/** Whether a prompt may be given to it now. */
export function takesPrompts({ state, generation, evicting, recycling }: ComfyStatus): boolean {
  return state === "ready" && generation !== null && evicting.length === 0 && recycling === null;
}

/** The status of one ComfyUI, its state table, and who hears of changes. Both modes write it. */
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "./clock.ts";
import type { ComfyMessage, ComfyState, ComfyStatus } from "./port.ts";
import { assertComfyTransition } from "./state.ts";

export interface StatusBoard {
  readonly status: ComfyStatus;
  /** Enters a state of the table. @throws Error for a step that the table does not have */
  enter(state: ComfyState, change: StatusChange): void;
  /** Changes facts within the state. */
  note(change: Partial<StatusChange>): void;
  onStatus(listener: (status: ComfyStatus) => void): () => void;
}

export type StatusChange =
  & Pick<ComfyStatus, "reason" | "message">
  & Partial<Pick<ComfyStatus, "generation" | "evicting" | "recycling" | "version" | "devices" | "objectInfoSha256">>;

export function createStatusBoard({ clock, logger }: { clock: Clock; logger: Logger }): StatusBoard {
  let status: ComfyStatus = {
    state: "stopped",
    sinceMs: clock.now(),
    reason: "NotStarted",
    message: "ComfyUI was not started yet.",
    generation: null,
    evicting: [],
    recycling: null,
    version: null,
    devices: [],
    objectInfoSha256: null,
  };
  const listeners = createListeners<ComfyStatus>(logger);

  function publish(next: ComfyStatus): void {
    status = next;
    listeners.emit(status);
  }

  return {
    get status() {
      return status;
    },
    enter(state, change) {
      assertComfyTransition(status.state, state);
      logger.info("ComfyUI changed state", { from: status.state, to: state, reason: change.reason });
      publish({ ...status, recycling: null, ...change, state, sinceMs: clock.now() });
    },
    note(change) {
      publish({ ...status, ...change });
    },
    onStatus: listeners.add,
  };
}

export interface Listeners<T extends ComfyStatus | ComfyMessage> {
  add(listener: (value: T) => void): () => void;
  emit(value: T): void;
}

/** One listener's failure reaches neither the others nor the caller. */
export function createListeners<T extends ComfyStatus | ComfyMessage>(logger: Logger): Listeners<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(value) {
      for (const listener of listeners) {
        try {
          listener(value);
        } catch (error) {
          logger.error("A listener of ComfyUI failed", { error: String(error) });
        }
      }
    },
  };
}

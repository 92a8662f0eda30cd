/**
 * The first output of an attempt, asked for as soon as ComfyUI is done, while the agent still hashes it: its bytes are then
 * on their way when the report comes that says what they must be. Best effort: whatever comes of it but the right bytes, the
 * settlement fetches as ever.
 */
import { outputPath } from "../../contracts/agent/routes.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import type { Agents } from "../pods/port.ts";
import type { Clock } from "../time/clock.ts";

export interface FirstOutput {
  /** Null when there was no answer. */
  response: Promise<Response | null>;
  /** Ends the transfer. */
  abort(): void;
}

export interface FirstOutputs {
  /** Asks for it. */
  expect(podId: PodId, attemptId: AttemptId): void;
  /** Hands it over, once; null when it was not asked for. */
  take(podId: PodId, attemptId: AttemptId): FirstOutput | null;
  /** Nobody needs it any more. */
  drop(podId: PodId, attemptId: AttemptId): void;
}

/** Held at most, each a request; the oldest goes first. */
const MAX_HELD = 1_000;

export interface FirstOutputsOptions {
  agents: Pick<Agents, "fetch">;
  clock: Pick<Clock, "sleep">;
  /** How long an answer may take to begin. */
  timeoutMs: number;
  /** Ends with the edge. */
  signal: AbortSignal;
}

export function createFirstOutputs({ agents, clock, timeoutMs, signal }: FirstOutputsOptions): FirstOutputs {
  const held = new Map<string, FirstOutput>();
  const keyOf = (podId: PodId, attemptId: AttemptId) => `${podId} ${attemptId}`;

  function drop(key: string): void {
    held.get(key)?.abort();
    held.delete(key);
  }

  return {
    expect(podId, attemptId) {
      const key = keyOf(podId, attemptId);
      if (held.has(key) || signal.aborted) return;
      const cut = new AbortController();
      const abort = () => cut.abort("not needed");
      const timer = new AbortController();
      void clock.sleep(timeoutMs, timer.signal).then(() => timer.signal.aborted || abort());
      signal.addEventListener("abort", abort, { once: true });
      const response = agents.fetch(podId, outputPath(attemptId, 0), { signal: cut.signal })
        .catch(() => null)
        .finally(() => {
          timer.abort("answered");
          signal.removeEventListener("abort", abort);
        });
      held.set(key, { response, abort });
      const [oldest] = held.keys();
      if (held.size > MAX_HELD && oldest !== undefined) drop(oldest);
    },
    take(podId, attemptId) {
      const key = keyOf(podId, attemptId);
      const first = held.get(key) ?? null;
      held.delete(key);
      return first;
    },
    drop: (podId, attemptId) => drop(keyOf(podId, attemptId)),
  };
}

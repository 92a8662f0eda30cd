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
  /** With status 200; null for any other answer, and for none. */
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

interface Held extends FirstOutput {
  /** Its taker decides from then on how long it lasts. */
  leave(): void;
}

/** Held at most, each a request; the oldest goes first. */
const MAX_HELD = 1_000;

export interface FirstOutputsOptions {
  agents: Pick<Agents, "fetch">;
  clock: Pick<Clock, "sleep">;
  /** How long one is held for somebody to take it, its answer being there or not. */
  timeoutMs: number;
  /** Ends with the edge. */
  signal: AbortSignal;
}

export function createFirstOutputs({ agents, clock, timeoutMs, signal }: FirstOutputsOptions): FirstOutputs {
  const held = new Map<string, Held>();
  const keyOf = (podId: PodId, attemptId: AttemptId) => `${podId} ${attemptId}`;

  async function ask(podId: PodId, attemptId: AttemptId, cut: AbortSignal): Promise<Response | null> {
    const response = await agents.fetch(podId, outputPath(attemptId, 0), { signal: cut });
    if (response.status === 200) return response;
    // Unread it would keep its connection.
    await response.body?.cancel();
    return null;
  }

  function remove(key: string): FirstOutput | null {
    const first = held.get(key);
    if (first === undefined) return null;
    held.delete(key);
    first.leave();
    return first;
  }

  const drop = (key: string) => remove(key)?.abort();

  return {
    expect(podId, attemptId) {
      const key = keyOf(podId, attemptId);
      if (held.has(key) || signal.aborted) return;
      const cut = new AbortController();
      const timer = new AbortController();
      const end = () => drop(key);
      const leave = () => {
        timer.abort("taken");
        signal.removeEventListener("abort", end);
      };
      void clock.sleep(timeoutMs, timer.signal).then(() => timer.signal.aborted || end());
      signal.addEventListener("abort", end, { once: true });
      const response = ask(podId, attemptId, cut.signal).catch(() => null);
      held.set(key, { response, leave, abort: () => cut.abort("not needed") });
      const [oldest] = held.keys();
      if (held.size > MAX_HELD && oldest !== undefined) drop(oldest);
    },
    take: (podId, attemptId) => remove(keyOf(podId, attemptId)),
    drop: (podId, attemptId) => drop(keyOf(podId, attemptId)),
  };
}

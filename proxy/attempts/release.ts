/** Tells agents that their outputs may go. Off every path: a release that fails is repeated at the pod's next beat. */
import { MAX_ATTEMPTS } from "../../contracts/bounds.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { toAgentError } from "../pods/agent-error.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { Agents } from "../pods/port.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface ReleaseOptions {
  agents: Agents;
  clock: Clock;
  /** How long it waits before the call, which then takes all of the pod's that have come meanwhile. */
  afterMs: number;
  timeoutMs: number;
  logger: Logger;
  signal: AbortSignal;
}

/** Returns a function that releases in the background, one call per attempt at a time; it never throws. */
export function createRelease(options: ReleaseOptions): (podId: PodId, attemptId: AttemptId) => void {
  const { agents, clock, afterMs, timeoutMs, logger, signal } = options;
  const underWay = new Set<AttemptId>();
  /** Of each pod, those whose call is still to come. */
  const waiting = new Map<PodId, AttemptId[]>();

  /** False when the agent refuses. */
  async function call(podId: PodId, [attemptId, ...also]: readonly [AttemptId, ...AttemptId[]]): Promise<boolean> {
    const input = also.length === 0 ? { attemptId } : { attemptId, also };
    try {
      await withDeadline(
        { clock, timeoutMs, signal, action: "release the attempt" },
        (inner) => agents.client(podId).attempts.release.mutate(input, { signal: inner }),
      );
      return true;
    } catch (cause) {
      const error = toAgentError(cause);
      if (!signal.aborted) {
        logger.debug("release failed", { attempt: attemptId, others: also.length, pod: podId, error });
      }
      return signal.aborted || error.code === "agent_unreachable" || error.code === "timeout";
    }
  }

  async function releaseNow(podId: PodId, attempts: readonly AttemptId[]): Promise<void> {
    const [first, ...also] = attempts;
    if (first === undefined) return;
    const isHeard = await call(podId, [first, ...also]);
    // An agent that knows nothing of several, or for which one of them is not over.
    if (!isHeard && also.length > 0) { for (const one of attempts) await call(podId, [one]); }
    for (const one of attempts) underWay.delete(one);
  }

  async function release(podId: PodId, attempts: AttemptId[]): Promise<void> {
    // The result is told first: whoever waits for it should not wait for our housekeeping.
    if (afterMs > 0) await clock.sleep(afterMs, signal);
    waiting.delete(podId);
    if (signal.aborted) return;
    for (let at = 0; at < attempts.length; at += MAX_ATTEMPTS) {
      await releaseNow(podId, attempts.slice(at, at + MAX_ATTEMPTS));
    }
  }

  return (podId, attemptId) => {
    if (underWay.has(attemptId) || signal.aborted) return;
    underWay.add(attemptId);
    const joined = waiting.get(podId);
    if (joined !== undefined) return void joined.push(attemptId);
    const attempts = [attemptId];
    waiting.set(podId, attempts);
    void release(podId, attempts);
  };
}

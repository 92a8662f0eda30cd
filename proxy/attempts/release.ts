/** Tells agents that their outputs may go. Off every path: a release that fails is repeated at the pod's next beat. */
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { toAgentError } from "../pods/agent-error.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { Agents } from "../pods/port.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface ReleaseOptions {
  agents: Agents;
  clock: Clock;
  /** How long it waits before the call. */
  afterMs: number;
  timeoutMs: number;
  logger: Logger;
  signal: AbortSignal;
}

/** Returns a function that releases in the background, one call per attempt at a time; it never throws. */
export function createRelease(options: ReleaseOptions): (podId: PodId, attemptId: AttemptId) => void {
  const { agents, clock, afterMs, timeoutMs, logger, signal } = options;
  const underWay = new Set<AttemptId>();

  async function release(podId: PodId, attemptId: AttemptId): Promise<void> {
    // The result is told first: whoever waits for it should not wait for our housekeeping.
    if (afterMs > 0) await clock.sleep(afterMs, signal);
    try {
      await withDeadline(
        { clock, timeoutMs, signal, action: "release the attempt" },
        (inner) => agents.client(podId).attempts.release.mutate({ attemptId }, { signal: inner }),
      );
    } catch (error) {
      if (!signal.aborted) {
        logger.debug("release failed", { attempt: attemptId, pod: podId, error: toAgentError(error) });
      }
    } finally {
      underWay.delete(attemptId);
    }
  }

  return (podId, attemptId) => {
    if (underWay.has(attemptId) || signal.aborted) return;
    underWay.add(attemptId);
    void release(podId, attemptId);
  };
}

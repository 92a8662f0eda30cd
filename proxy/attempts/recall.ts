/** Asks an agent to give a look-ahead back: it does, unless its ComfyUI may have it already. */
import { ReceivedReport } from "../../contracts/agent/received.ts";
import type { AttemptReport } from "../../contracts/attempt.ts";
import type { AttemptId, PodId } from "../../contracts/ids.ts";
import { toAgentError } from "../pods/agent-error.ts";
import type { Agents } from "../pods/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import type { AttemptTimings } from "./timings.ts";

export interface RecallOptions {
  agents: Agents;
  clock: Clock;
  timings: Pick<AttemptTimings, "askMs">;
  logger: Logger;
  signal: AbortSignal;
}

/** Returns a function that answers what the agent says of the attempt then, null when it says nothing; it never throws. */
export function createRecall(
  { agents, clock, timings, logger, signal }: RecallOptions,
): (podId: PodId, attemptId: AttemptId) => Promise<AttemptReport | null> {
  return async (podId, attemptId) => {
    try {
      const answer = await withDeadline(
        { clock, timeoutMs: timings.askMs, signal, action: "take the attempt back" },
        (inner) => agents.client(podId).attempts.withdraw.mutate({ attemptId }, { signal: inner }),
      );
      return ReceivedReport.parse(answer);
    } catch (error) {
      if (!signal.aborted) {
        logger.debug("not taken back", { attempt: attemptId, pod: podId, error: toAgentError(error) });
      }
      return null;
    }
  };
}

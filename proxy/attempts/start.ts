/** Starts one attempt on its agent: the order, the inputs it lacks, and the question after an order without an answer. */
import { ReceivedReport } from "../../contracts/agent/received.ts";
import { type AttemptReport, type StartAttempt, StartResult } from "../../contracts/attempt.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { TenantId } from "../../contracts/ids.ts";
import type { TraceContext } from "../../contracts/telemetry/trace-context.ts";
import { toAgentError } from "../pods/agent-error.ts";
import { backoffMs } from "../time/clock.ts";
import { traceContext } from "../pods/call-trace.ts";
import { withDeadline } from "../time/deadline.ts";
import { putInputs, type PutInputsOptions } from "./put-inputs.ts";
import { judgeStart, type StartVerdict } from "./start-verdict.ts";
import type { AttemptTimings } from "./timings.ts";

/** An agent that keeps asking for inputs it was just given is broken. */
const MAX_ROUNDS = 3;

export type StartOutcome =
  /** `report`: what the agent said when it was asked, because its first answer did not arrive. */
  | { status: "accepted"; report: AttemptReport | null }
  | { status: Exclude<StartVerdict, "unanswered">; error: FleetError }
  /** Nobody knows; the pod's session finds out. */
  | { status: "unknown"; error: FleetError };

export interface StartOptions extends PutInputsOptions {
  timings: AttemptTimings;
}

interface Order {
  attempt: StartAttempt;
  tenantId: TenantId;
  /** What the attempt belongs to on the agent. */
  trace?: TraceContext;
}

type Answer = StartResult | { status: "failed"; error: FleetError };

async function order(options: StartOptions, { attempt, trace }: Order, signal: AbortSignal): Promise<Answer> {
  const { agents, clock, timings } = options;
  const context = trace === undefined ? {} : traceContext(trace);
  try {
    const deadline = { clock, timeoutMs: timings.startMs, signal, action: "start the attempt" };
    const answer = await withDeadline(
      deadline,
      (inner) => agents.client(attempt.podId).attempts.start.mutate(attempt, { signal: inner, context }),
    );
    return StartResult.parse(answer);
  } catch (error) {
    signal.throwIfAborted();
    return { status: "failed", error: toAgentError(error) };
  }
}

/** After an order without an answer: the agent has it, has it not, or cannot be asked. */
async function ask(
  options: StartOptions,
  { attempt, unanswered }: { attempt: StartAttempt; unanswered: FleetError },
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { agents, clock, timings } = options;
  const { podId, attemptId } = attempt;
  for (let tries = 1; tries <= timings.askTries; tries += 1) {
    try {
      const deadline = { clock, timeoutMs: timings.askMs, signal, action: "ask for the attempt" };
      const answer = await withDeadline(
        deadline,
        (inner) => agents.client(podId).attempts.get.query({ attemptId }, { signal: inner }),
      );
      return { status: "accepted", report: ReceivedReport.parse(answer) };
    } catch (error) {
      signal.throwIfAborted();
      if (toAgentError(error).code === "not_found") return { status: "count_loss", error: unanswered };
    }
    await clock.sleep(backoffMs(clock, tries, { firstMs: timings.askPauseMs, maxMs: timings.askMs }), signal);
    signal.throwIfAborted();
  }
  return { status: "unknown", error: unanswered };
}

/** @throws the signal's reason when aborted, what the blob store throws; the agent's failures are in the outcome. */
export async function startOnAgent(
  options: StartOptions,
  job: Order,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { attempt, tenantId } = job;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const answer = await order(options, job, signal);
    if (answer.status === "accepted") return { status: "accepted", report: null };
    if (answer.status === "failed") {
      const verdict = judgeStart(answer.error);
      if (verdict === "unanswered") return await ask(options, { attempt, unanswered: answer.error }, signal);
      return { status: verdict, error: answer.error };
    }
    try {
      const { podId, inputs } = attempt;
      await putInputs(options, { podId, tenantId, inputs, hashes: answer.hashes }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!FleetError.is(error)) throw error;
      const verdict = judgeStart(error);
      // Nothing was started yet, so an unanswered PUT leaves no doubt. Counted: each costs the whole transfer again.
      return { status: verdict === "unanswered" ? "count_loss" : verdict, error };
    }
  }
  const error = new FleetError("agent_incompatible", "Cannot start the attempt: the agent does not keep its inputs");
  return { status: "count_loss", error };
}

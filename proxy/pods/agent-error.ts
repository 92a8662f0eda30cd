/** What went wrong at or on the way to an agent, as one of our errors. An abort of ours stays what it was. */
import { z } from "zod";
import { type ErrorEnvelope, FleetError } from "../../contracts/errors.ts";
import { TolerantErrorEnvelope } from "../../contracts/tolerant.ts";
import { limitedBody, MAX_REFUSAL_BYTES } from "./answer-limit.ts";
import type { AgentResponse } from "./port.ts";

const RawError = z.object({ error: TolerantErrorEnvelope });

/** @param data of an error in tRPC's shape */
function envelopeIn(data: unknown): ErrorEnvelope | null {
  if (typeof data !== "object" || data === null || !("fleet" in data)) return null;
  const parsed = TolerantErrorEnvelope.safeParse(data.fleet);
  return parsed.success ? parsed.data : null;
}

function ofStatus(status: number, cause: unknown): FleetError {
  if (status === 401 || status === 403) {
    return new FleetError("unauthorized", "Cannot use the agent: it refuses this edge's secret", {
      hint: "Give the pod's entry in EDGE_PODS the secret that its agent was started with.",
      cause,
    });
  }
  if (status === 404) return new FleetError("not_found", "Cannot find this on the agent", { cause });
  return new FleetError("agent_unreachable", `Cannot use the agent: it answered with HTTP ${status}`, { cause });
}

/** Our own request could not be written down: nothing was sent, and no pod is to blame. */
export function unsendable(cause: unknown): FleetError {
  return new FleetError("internal", "Cannot send the request to the agent: it cannot be written as JSON", {
    hint: "Make the workflow smaller and less nested, and name no input after a part of JavaScript's objects.",
    details: { sent: false },
    retryable: false,
    cause,
  });
}

/** Whether the error is an abort of ours rather than a failure of the agent. */
export function isAbort(error: unknown): boolean {
  if (FleetError.is(error)) return false;
  return error instanceof Error && error.name === "AbortError";
}

/**
 * The failure as a FleetError: what is one already stays it. An answer that does not fit the contract is
 * `agent_incompatible`, everything else `agent_unreachable`.
 */
export function toAgentError(error: unknown): FleetError {
  if (FleetError.is(error)) return error;
  if (error instanceof z.ZodError) {
    return new FleetError("agent_incompatible", "Cannot understand the agent: its answer breaks the contract", {
      hint: "Run the same version of edge and agent.",
      cause: error,
    });
  }
  return new FleetError("agent_unreachable", "Cannot reach the agent: the connection failed", { cause: error });
}

/** The error that a procedure answered with, in tRPC's shape. */
export function errorOfProcedure(shape: unknown): FleetError {
  const data = typeof shape === "object" && shape !== null && "data" in shape ? shape.data : null;
  const envelope = envelopeIn(data);
  return envelope ? FleetError.fromEnvelope(envelope) : toAgentError(shape);
}

function parseEnvelope(text: string): ErrorEnvelope | null {
  try {
    const parsed = RawError.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.error : null;
  } catch {
    return null;
  }
}

/** Empty when it is too long or does not arrive. */
export async function refusalText(response: AgentResponse): Promise<string> {
  try {
    return await limitedBody(response, MAX_REFUSAL_BYTES).text();
  } catch {
    return "";
  }
}

/** The error inside an HTTP answer that is not a success: `{ "error": envelope }`, else by status. */
export async function errorOfResponse(response: AgentResponse): Promise<FleetError> {
  const envelope = parseEnvelope(await refusalText(response));
  return envelope ? FleetError.fromEnvelope(envelope) : ofStatus(response.status, undefined);
}

/** An agent answers whoever has no role there as if nothing were there, so that 'not found' is no procedure's word. */
function notLetIn(): FleetError {
  return new FleetError("forbidden", "Cannot use the agent: it does not let this edge in", {
    hint: "Give the edge's node the tag 'tag:edge', and that tag the role 'invoke' in the policy's app grant.",
  });
}

/**
 * The answer of a procedure, error or not.
 * @throws FleetError for what was answered before any procedure: by the agent's authentication, or by something between
 */
export async function answerOfProcedure(response: AgentResponse): Promise<AgentResponse> {
  if (response.ok) return response;
  const text = await response.text();
  const envelope = parseEnvelope(text);
  if (envelope) throw envelope.code === "not_found" ? notLetIn() : FleetError.fromEnvelope(envelope);
  const { status, headers } = response;
  if (!headers.get("content-type")?.includes("application/json")) throw ofStatus(status, undefined);
  return new Response(text, { status, headers });
}

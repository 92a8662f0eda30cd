/** A pod's answer on its way to the caller: successes as they are, refusals in our words, strangers' answers not at all. */
import { z } from "zod";
import { FleetError } from "../../contracts/errors.ts";
import { TolerantErrorEnvelope } from "../../contracts/tolerant.ts";
import { refusalText } from "../pods/agent-error.ts";
import type { AgentResponse } from "../pods/port.ts";

const Refusal = z.object({ error: z.object({ json: z.object({ data: z.object({ fleet: TolerantErrorEnvelope }) }) }) });

/** Of an agent, before any procedure. */
const NobodyKnown = z.object({ error: z.object({ code: z.literal("not_found") }) });

const OUR_TYPES = /^(application\/json|text\/event-stream)\b/;

function stranger(status: number): FleetError {
  return new FleetError("agent_incompatible", `Cannot use the pod: what answers there is no agent (HTTP ${status})`, {
    hint: "Check the pod's address in EDGE_PODS, and run the same version of edge and agent.",
  });
}

/** The agent knows edges, not callers: its 401 speaks of the edge's secret and must not look like one of the caller's key. */
function secretRefused(): FleetError {
  return new FleetError("agent_unreachable", "Cannot use the pod: its agent refuses this edge's secret", {
    hint: "Give the pod's entry in EDGE_PODS the secret that its agent was started with.",
    retryable: false,
  });
}

/** Over a tailnet an agent answers whoever has no role there as if nothing were there. */
function notLetIn(): FleetError {
  return new FleetError("agent_unreachable", "Cannot use the pod: its agent does not let this edge in", {
    hint:
      "Give the edge's node the tag 'tag:edge', and that tag the roles 'observe', 'invoke' and 'operate' in the policy; " +
      "'comfyfleet tailnet check' says what is wrong.",
    retryable: false,
  });
}

function parse(text: string, status: number): FleetError | null {
  try {
    const json: unknown = JSON.parse(text);
    const refusal = Refusal.safeParse(json);
    if (refusal.success) return FleetError.fromEnvelope(refusal.data.error.json.data.fleet);
    return status === 404 && NobodyKnown.safeParse(json).success ? notLetIn() : null;
  } catch {
    return null;
  }
}

/**
 * Nothing when the answer is one of success that an agent gives.
 * @throws FleetError what the pod refused, or what is wrong with its answer
 */
export async function requireAnswer(response: AgentResponse): Promise<void> {
  const { status, headers } = response;
  if (response.ok && OUR_TYPES.test(headers.get("content-type") ?? "")) return;
  if (response.ok || status < 400) {
    await response.body?.cancel().catch(() => {});
    throw stranger(status);
  }
  const text = await refusalText(response);
  if (status === 401 || status === 403) throw secretRefused();
  throw parse(text, status) ?? stranger(status);
}

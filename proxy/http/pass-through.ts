/**
 * `/pods/{podId}/trpc/{procedure}`: what an operator asks of one pod is the agent's own contract, passed through as it
 * is. The edge decides who may ask what, notes every act, and looks into no answer but a refusal.
 */
import type { AuditOutcome } from "../../contracts/audit.ts";
import type { AuditPort } from "../../contracts/edge/ports.ts";
import { FleetError, toFleetError } from "../../contracts/errors.ts";
import type { KeyId, PodId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import { requireCaller, requireScope } from "../../contracts/trpc.ts";
import { toAgentError } from "../pods/agent-error.ts";
import { AGENT_SILENCE_MS } from "../pods/event-stream.ts";
import type { AgentResponse, Agents } from "../pods/port.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Clock } from "../time/clock.ts";
import { withDeadline } from "../time/deadline.ts";
import { endable } from "./endable.ts";
import { edgeStopping, trpcErrorResponse } from "./error-response.ts";
import { requireAnswer } from "./pod-answer.ts";
import { passedBody } from "./pod-body.ts";
import { parsePodCall, type PodCall } from "./pod-call.ts";
import { headersToAgent, headersToCaller, type RequestFacts } from "./pod-headers.ts";
import { untilRevoked } from "./while-active.ts";

export interface PassThroughOptions {
  agents: Pick<Agents, "fetch">;
  audit: Pick<AuditPort, "begin">;
  /** Whether the store has this pod. */
  isKnown: (podId: PodId) => Promise<boolean>;
  /** Whether a key is still in force: asked again and again while a stream lasts. */
  isActive: (keyId: KeyId) => Promise<boolean>;
  maxBodyBytes: number;
  /** Aborted when the edge stops: streams end then, and nothing new is taken. */
  stopping: AbortSignal;
  clock: Clock;
  logger: Logger;
  /** How long the first byte of an answer may take, body of the request included. Default 30,000. */
  answerMs?: number;
  /** How long a stream may be silent while its caller reads. Default: as long as one of the edge's own. */
  silenceMs?: number;
}

export type PassThrough = (request: Request, caller: Caller | null, facts: RequestFacts) => Promise<Response>;

/** Nobody reads it. */
const GONE = 499;

export function createPassThrough(options: PassThroughOptions): PassThrough {
  const { agents, audit, isKnown, stopping, clock, logger, maxBodyBytes } = options;
  const { answerMs = 30_000, silenceMs = AGENT_SILENCE_MS } = options;

  async function ask(request: Request, { podId, path }: PodCall, facts: RequestFacts): Promise<AgentResponse> {
    const { signal, method } = request;
    return await withDeadline(
      { clock, timeoutMs: answerMs, signal, action: "get an answer from the pod" },
      async (inner) => {
        const body = await passedBody(request, maxBodyBytes);
        const headers = headersToAgent(request.headers, facts);
        const asked = agents.fetch(podId, path, { method, headers, signal: inner, ...body.init });
        const response = await asked.catch((error: unknown) => {
          throw body.tooLarge() ?? toAgentError(error);
        });
        await requireAnswer(response);
        return response;
      },
    );
  }

  /**
   * Ends with the edge, when the pod is not heard any more (of a cut of the network nobody may be told), and when the key that
   * opened it is revoked; the caller opens it again and is judged again.
   */
  function untilEnded(body: ReadableStream<Uint8Array>, caller: Caller): ReadableStream<Uint8Array> {
    const ended = new AbortController();
    const revoked = new AbortController();
    void untilRevoked(options, caller.keyId, AbortSignal.any([ended.signal, stopping])).then((found) => {
      if (found) revoked.abort();
    });
    const until = AbortSignal.any([revoked.signal, stopping]);
    return endable(body, { until, onEnd: () => ended.abort(), clock, silenceMs });
  }

  async function forward(request: Request, { call, caller }: Permitted, facts: RequestFacts): Promise<Response> {
    const { status, headers, body } = await ask(request, call, facts);
    const isStream = headers.get("content-type")?.startsWith("text/event-stream") && body !== null;
    return new Response(isStream ? untilEnded(body, caller) : body, { status, headers: headersToCaller(headers) });
  }

  async function act(request: Request, permitted: Permitted, facts: RequestFacts): Promise<Response> {
    const { call: { procedure, podId }, caller: { keyId, tenantId } } = permitted;
    const entry = await audit.begin({
      ...{ keyId, tenantId, requestId: facts.requestId, action: `pod:${procedure}`, target: podId, reason: null },
    });
    const end = (outcome: AuditOutcome) => entry.end(outcome);
    try {
      const response = await forward(request, permitted, facts);
      await end("ok");
      return response;
    } catch (error) {
      // Of a call whose caller has left nobody knows whether the pod did it: its entry keeps no outcome.
      if (!request.signal.aborted) await end(toFleetError(error).code);
      throw error;
    }
  }

  async function refusal(error: unknown, permitted: Permitted | null): Promise<FleetError> {
    const known = toFleetError(error);
    const unreachable = known.code === "agent_unreachable" && permitted !== null;
    if (!unreachable || await isKnown(permitted.call.podId).catch(() => true)) return known;
    return new FleetError("not_found", "Cannot find the pod: no pod has this id", {
      hint: "List the pods to see their ids.",
    });
  }

  return async (request, caller, facts) => {
    const { requestId } = facts;
    let permitted: Permitted | null = null;
    try {
      if (stopping.aborted) throw edgeStopping();
      const known = requireCaller(caller);
      const call = parsePodCall(request);
      permitted = { call, caller: requireScope(known, call.scope) };
      return await (call.type === "mutation" ? act : forward)(request, permitted, facts);
    } catch (error) {
      if (request.signal.aborted) return new Response(null, { status: GONE });
      if (!FleetError.is(error)) logger.error("call to a pod failed", { requestId, error });
      return trpcErrorResponse(await refusal(error, permitted), requestId);
    }
  };
}

interface Permitted {
  call: PodCall;
  caller: Caller;
}

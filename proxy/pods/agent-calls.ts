/**
 * An agent's queries and mutations over the transport, in tRPC's protocol: a request and its answer. tRPC's own client makes
 * four observables, their listeners, an aborted controller and some twenty objects for each.
 */
import { type TRPCRequestOptions, TRPCUntypedClient } from "@trpc/client";
import superjson from "superjson";
import type { AgentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { isRecord } from "../../contracts/workflow.ts";
import { answerOfProcedure, errorOfProcedure, unsendable } from "./agent-error.ts";
import { limitedBody, MAX_CALL_BYTES } from "./answer-limit.ts";
import { traceHeaders } from "./call-trace.ts";
import type { AgentRequest, AgentResponse } from "./port.ts";

export interface AgentCallsOptions {
  /** @param path with its query */
  send: (path: string, init: AgentRequest) => Promise<AgentResponse>;
  /** For `x-request-id`. */
  requestId: () => string;
}

/** Our own words, whose refusal is told from a failure on the way. */
function written(input: unknown): string {
  try {
    return JSON.stringify(superjson.serialize(input));
  } catch (error) {
    throw unsendable(error);
  }
}

/** @throws FleetError with the procedure's own error; what superjson throws of an answer that is none */
function dataOf(answer: unknown): unknown {
  if (isRecord(answer) && isRecord(answer["result"])) {
    return superjson.deserialize(answer["result"]["data"] as Parameters<typeof superjson.deserialize>[0]);
  }
  const error = isRecord(answer) ? answer["error"] : undefined;
  throw errorOfProcedure(superjson.deserialize(error as Parameters<typeof superjson.deserialize>[0]));
}

/** Of a query or a subscription. @throws FleetError `internal` for an input that cannot be written */
export function queryPath(procedure: string, input: unknown): string {
  return `${AGENT_ROUTES.trpc}/${procedure}?input=${encodeURIComponent(written(input))}`;
}

/** Queries and mutations; its calls reject with what was thrown on the way, see `toAgentError`. */
export class AgentCalls extends TRPCUntypedClient<AgentRouter> {
  readonly #options: AgentCallsOptions;

  constructor(options: AgentCallsOptions) {
    super({ links: [] });
    this.#options = options;
  }

  async #call(path: string, init: AgentRequest, { signal, context = {} }: TRPCRequestOptions = {}): Promise<unknown> {
    const { send, requestId } = this.#options;
    const headers = {
      ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      "x-request-id": requestId(),
      ...traceHeaders(context),
    };
    const response = await send(path, { ...init, headers, signal: signal ?? null });
    return dataOf(await (await answerOfProcedure(limitedBody(response, MAX_CALL_BYTES))).json());
  }

  override async query(path: string, input?: unknown, options?: TRPCRequestOptions): Promise<unknown> {
    return await this.#call(queryPath(path, input), { method: "GET" }, options);
  }

  override async mutation(path: string, input?: unknown, options?: TRPCRequestOptions): Promise<unknown> {
    return await this.#call(`${AGENT_ROUTES.trpc}/${path}`, { method: "POST", body: written(input) }, options);
  }
}

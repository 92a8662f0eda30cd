/**
 * A call of the agent's contract, in tRPC's protocol. Mutations and subscriptions, as its client sends them, are
 * answered by our own few lines; queries and whatever else there is by tRPC's handler, which costs a multiple: see
 * docs/decisions/0015.
 */
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { AgentContext } from "../../contracts/agent/ports.ts";
import { AGENT_PROCEDURES } from "../../contracts/agent/procedures.ts";
import { agentRouter } from "../../contracts/agent/router.ts";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import { readLimited, readTextLimited } from "../../contracts/http/body-limit.ts";
import { parseTraceparent, TRACEPARENT_HEADER } from "../../contracts/telemetry/trace-context.ts";
import type { Clock } from "../comfy/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { answerMutation } from "./answer-mutation.ts";
import { answerStream } from "./answer-stream.ts";
import type { ProcedureCall } from "./procedure-call.ts";

export interface CallOptions {
  ports: Pick<AgentContext, "pod" | "attempts" | "gpu" | "comfy" | "tailnet">;
  /** Largest call, the workflow included. */
  maxCallBytes: number;
  clock: Clock;
  logger: Logger;
}

/**
 * Under the prefix of procedures. tRPC would take escapes and further slashes too, by which access goes for another
 * name.
 */
const PLAIN_NAME = /^[\w.]+$/;

/** @throws FleetError `not_found` for what is no procedure's name, `payload_too_large` */
export async function answerCall(
  request: Request,
  from: Pick<AgentContext, "requestId" | "caller">,
  options: CallOptions,
): Promise<Response> {
  const { ports, clock, logger } = options;
  const { pathname, search, searchParams } = new URL(request.url);
  const path = pathname.slice(AGENT_ROUTES.trpc.length + 1);
  if (!PLAIN_NAME.test(path)) throw noSuchPath();
  const { headers, method } = request;
  const trace = parseTraceparent(headers.get(TRACEPARENT_HEADER)) ?? undefined;
  const context: AgentContext = { ...ports, ...from, trace };
  const onError: ProcedureCall["onError"] = ({ error }) => {
    const foreseen = FleetError.is(error.cause) || error.code !== "INTERNAL_SERVER_ERROR";
    if (foreseen || request.signal.aborted) return;
    const { requestId } = from;
    logger.error("procedure failed", { path, requestId, trace_id: trace?.traceId ?? null, error });
  };
  const limit = { maxBytes: options.maxCallBytes, setting: "AGENT_MAX_CALL_BYTES" };
  const type = AGENT_PROCEDURES.get(path)?.type;
  const isJson = headers.get("content-type") === "application/json";
  if (type === "mutation" && method === "POST" && isJson && search === "") {
    return await answerMutation({ path, type, context, onError }, await readTextLimited(request, limit));
  }
  // Where a stream is to go on from is told in three ways.
  const keys = [...searchParams.keys()];
  const isPlain = keys.every((key) => key === "input") && keys.length <= 1 && !headers.has("last-event-id");
  if (type === "subscription" && method === "GET" && isPlain) {
    return answerStream({ path, type, context, onError }, searchParams.get("input"), { clock, left: request.signal });
  }
  return await fetchRequestHandler({
    endpoint: AGENT_ROUTES.trpc,
    req: await readLimited(request, limit),
    router: agentRouter,
    allowBatching: false,
    createContext: () => context,
    onError,
  });
}

export function noSuchPath(): FleetError {
  return new FleetError("not_found", "Cannot find this path", { hint: "The agent's API is at /trpc." });
}

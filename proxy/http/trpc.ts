/** The typed contract over HTTP: `/trpc/*`. */
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { EdgeContext } from "../../contracts/edge/ports.ts";
import { edgeRouter } from "../../contracts/edge/router.ts";
import { EDGE_ROUTES } from "../../contracts/edge/routes.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { KeyId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import { fromTRPCError, requireCaller } from "../../contracts/trpc.ts";
import type { Logger } from "../telemetry/logger.ts";
import { readLimited } from "../../contracts/http/body-limit.ts";
import type { Clock } from "../time/clock.ts";
import { edgeStopping, retryAfterOf, trpcErrorResponse } from "./error-response.ts";
import type { RequestFacts } from "./pod-headers.ts";
import { whileActive } from "./while-active.ts";

export type EdgePorts = Pick<
  EdgeContext,
  "jobs" | "assets" | "pods" | "services" | "tenants" | "keys" | "audit" | "events" | "system" | "tailnet"
>;

/** Room for superjson's metadata and the submit options around a workflow of the largest size. */
export const ENVELOPE_BYTES = 64 * 1024;

export interface TrpcOptions {
  ports: EdgePorts;
  maxWorkflowBytes: number;
  /** Aborted when the edge stops: streams end then, and nothing new is taken. */
  stopping: AbortSignal;
  /** Whether a key is still in force: asked again and again while a stream lasts. */
  isActive: (keyId: KeyId) => Promise<boolean>;
  clock: Pick<Clock, "sleep">;
  logger: Logger;
}

export type TrpcHandler = (request: Request, caller: Caller | null, facts: RequestFacts) => Promise<Response>;

export function createTrpcHandler(options: TrpcOptions): TrpcHandler {
  const { ports, maxWorkflowBytes, stopping, logger } = options;
  const jobs: EdgePorts["jobs"] = {
    ...ports.jobs,
    async get(caller, input, signal) {
      if (input.waitMs === 0) return await ports.jobs.get(caller, input, signal);
      const job = await ports.jobs.get(caller, input, AbortSignal.any([signal, stopping]));
      // It may have been held for longer than a revocation may take.
      return requireCaller(await options.isActive(caller.keyId) ? caller : null) && job;
    },
    watch: (caller, input, signal) =>
      whileActive(options, caller, {
        signal: AbortSignal.any([signal, stopping]),
        open: (inForce) => ports.jobs.watch(caller, input, inForce),
      }),
  };
  const events: EdgePorts["events"] = {
    watch: (caller, input, signal) =>
      whileActive(options, caller, {
        signal: AbortSignal.any([signal, stopping]),
        open: (inForce) => ports.events.watch(caller, input, inForce),
      }),
  };
  return async (request, caller, { requestId, trace }) => {
    try {
      if (stopping.aborted) throw edgeStopping();
      // Every procedure needs a caller; of a stream, tRPC itself would answer 200 and tell the refusal as an event.
      const known = requireCaller(caller);
      const pods: EdgePorts["pods"] = {
        ...ports.pods,
        watch: (signal) =>
          whileActive(options, known, { signal: AbortSignal.any([signal, stopping]), open: ports.pods.watch }),
      };
      return await fetchRequestHandler({
        endpoint: EDGE_ROUTES.trpc,
        req: await readLimited(request, { maxBytes: maxWorkflowBytes + ENVELOPE_BYTES, setting: "MAX_WORKFLOW_BYTES" }),
        router: edgeRouter,
        allowBatching: false,
        createContext: (): EdgeContext => ({ ...ports, jobs, pods, events, requestId, caller, trace }),
        responseMeta({ errors }) {
          const retryAfter = errors[0] ? retryAfterOf(fromTRPCError(errors[0])) : null;
          return retryAfter === null ? {} : { headers: { "retry-after": retryAfter } };
        },
        onError({ error, path }) {
          const foreseen = FleetError.is(error.cause) || error.code !== "INTERNAL_SERVER_ERROR";
          if (foreseen || request.signal.aborted) return;
          logger.error("procedure failed", { path, requestId, trace_id: trace.traceId, error });
        },
      });
    } catch (error) {
      if (FleetError.is(error)) return trpcErrorResponse(error, requestId);
      throw error;
    }
  };
}

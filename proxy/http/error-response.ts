/** Errors as HTTP responses: `{ "error": envelope }`, or tRPC's shape around the same envelope where tRPC answers. */
import superjson from "superjson";
import { FleetError, toFleetError } from "../../contracts/errors.ts";

/** JSON-RPC code that tRPC's client expects for an error it did not make itself. */
const JSON_RPC_SERVER_ERROR = -32603;

/** Whole seconds, rounded up; null where the error does not say. */
export function retryAfterOf({ retryAfterMs, retryable, status }: FleetError): string | null {
  if (retryAfterMs !== null) return String(Math.ceil(retryAfterMs / 1_000));
  return retryable && status === 503 ? "1" : null;
}

function headersOf(error: FleetError): Record<string, string> {
  const retryAfter = retryAfterOf(error);
  return {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(error.code === "unauthorized" ? { "www-authenticate": "Bearer" } : {}),
    ...(retryAfter === null ? {} : { "retry-after": retryAfter }),
  };
}

/** For requests that still arrive, on open connections, while the edge stops. */
export function edgeStopping(): FleetError {
  return new FleetError("edge_stopping", "Cannot take the request: this edge is stopping", {
    hint: "Send it again in a second; another edge, or this one started again, takes it.",
  });
}

export function errorResponse(error: unknown, requestId: string): Response {
  const fleet = toFleetError(error);
  const body = JSON.stringify({ error: fleet.toEnvelope(requestId) });
  return new Response(body, { status: fleet.status, headers: headersOf(fleet) });
}

/** For refusals before tRPC's own handler runs (size limit, stopping), readable to its client. */
export function trpcErrorResponse(error: FleetError, requestId: string): Response {
  const data = { httpStatus: error.status, fleet: error.toEnvelope(requestId) };
  const json = superjson.serialize({ message: error.message, code: JSON_RPC_SERVER_ERROR, data });
  return new Response(JSON.stringify({ error: json }), { status: error.status, headers: headersOf(error) });
}

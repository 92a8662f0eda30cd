/** Errors as HTTP responses: `{ "error": envelope }`, or tRPC's shape around the same envelope where tRPC answers. */
import superjson from "superjson";
import { FleetError, toFleetError } from "../../contracts/errors.ts";

/** JSON-RPC code that tRPC's client expects for an error it did not make itself. */
const JSON_RPC_SERVER_ERROR = -32603;

/**
 * Whole seconds, rounded up, at least one; null where waiting helps nobody. Every 429, and every 503 that may be tried
 * again, says when.
 * @param status that it is answered with
 */
export function retryAfterOf(error: FleetError, status = error.status): string | null {
  const waits = status === 429 || (status === 503 && error.retryable);
  const waitMs = error.retryAfterMs ?? (waits ? 1_000 : null);
  return waitMs === null ? null : String(Math.max(1, Math.ceil(waitMs / 1_000)));
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

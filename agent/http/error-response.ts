/** Errors as HTTP responses: `{ "error": envelope }`, or tRPC's shape around the same envelope below its path. */
import superjson from "superjson";
import { AGENT_ROUTES } from "../../contracts/agent/routes.ts";
import { type FleetError, toFleetError } from "../../contracts/errors.ts";

/** JSON-RPC code that tRPC's client expects for an error that no procedure made. */
const JSON_RPC_SERVER_ERROR = -32603;

function bodyOf(error: FleetError, path: string, requestId: string): string {
  const fleet = error.toEnvelope(requestId);
  if (!path.startsWith(`${AGENT_ROUTES.trpc}/`)) return JSON.stringify({ error: fleet });
  const data = { httpStatus: error.status, fleet };
  return JSON.stringify({
    error: superjson.serialize({ message: error.message, code: JSON_RPC_SERVER_ERROR, data }),
  });
}

export function errorResponse(cause: unknown, request: { path: string; requestId: string }): Response {
  const error = toFleetError(cause);
  return new Response(bodyOf(error, request.path, request.requestId), {
    status: error.status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...(error.code === "unauthorized" ? { "www-authenticate": "Bearer" } : {}),
    },
  });
}

/** Errors as the Comfy API v2 writes them: `{ "error": { code, message, details } }`, its codes where it has one. */
import { ERROR_CODES, type ErrorCode, FleetError, toFleetError } from "../../../contracts/errors.ts";
import { retryAfterOf } from "../error-response.ts";
import { inUuids } from "./uuids.ts";

/** A request that was read and understood, with a field that is wrong: 422 here, where tRPC says 400. */
class WrongField extends FleetError {
  override get status(): number {
    return 422;
  }
}

export function wrongField(message: string, options: { hint: string; details?: Record<string, unknown> }): FleetError {
  return new WrongField("invalid_input", message, options);
}

/** Where v2 has another word, or another status, than our registry. */
const V2_CODES: Partial<Record<ErrorCode, { code: string; status?: number }>> = {
  invalid_input: { code: "invalid_request" },
  invalid_json: { code: "invalid_request" },
  idempotency_key_reuse: { code: "idempotency_key_reuse", status: 422 },
  internal: { code: "upstream_error" },
};

const UPSTREAM_MESSAGE =
  "Cannot complete the request: something behind the API failed. Send it again; if it persists, quote x-request-id.";

/** Names of ours in `details` that stand elsewhere: in the message, the header, or nowhere in v2. */
const LEFT_OUT: ReadonlySet<string> = new Set(["retryAfterMs"]);

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The names at the top become v2's; what is below is by node id or field, and stays. Ids become UUIDs throughout. */
function v2Details(details: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(details).filter(([name]) => !LEFT_OUT.has(name));
  const renamed = Object.fromEntries(entries.map(([name, value]) => [snakeCase(name), value]));
  return JSON.parse(inUuids(JSON.stringify(renamed))) as Record<string, unknown>;
}

function messageOf({ code, message, hint }: FleetError): string {
  if (code === "internal") return UPSTREAM_MESSAGE;
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  // A hint may point into the details, whose names are others here.
  const pointing = hint?.replaceAll(/(?<=\bdetails\.)\w+/g, snakeCase);
  return inUuids(pointing === undefined ? sentence : `${sentence} ${pointing}`);
}

/** @param error anything that was thrown; what is none of ours tells nothing of itself */
export function v2ErrorResponse(error: unknown): Response {
  const fleet = toFleetError(error);
  const known = V2_CODES[fleet.code];
  const status = known?.status ?? fleet.status;
  const details = fleet.details === undefined || fleet.code === "internal" ? null : v2Details(fleet.details);
  const body = { error: { code: known?.code ?? fleet.code, message: messageOf(fleet), details } };
  const retryAfter = retryAfterOf(fleet, status);
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(retryAfter === null ? {} : { "retry-after": retryAfter }),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

/** Every code that v2 may say, with its status: for the documentation's table. */
export function v2Codes(): { code: string; status: number }[] {
  return (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => ({
    code: V2_CODES[code]?.code ?? code,
    status: V2_CODES[code]?.status ?? ERROR_CODES[code].status,
  }));
}

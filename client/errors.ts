/** Failures of calls, in the words of the contract. */
import { TRPCClientError } from "@trpc/client";
import { z } from "zod";
import { ErrorEnvelope, FleetError } from "../contracts/errors.ts";

function envelopeOf(value: unknown): ErrorEnvelope | null {
  const parsed = ErrorEnvelope.safeParse(value);
  return parsed.success ? parsed.data : null;
}

function unreachable(baseUrl: string, cause: unknown): FleetError {
  return new FleetError("edge_unreachable", `Cannot reach the edge at ${baseUrl}`, {
    hint: "Check the URL and that the edge runs ('comfyfleet up' starts one).",
    cause,
  });
}

function foreign(status: number, baseUrl: string): FleetError {
  return new FleetError("edge_unreachable", `Cannot use ${baseUrl}: it answered HTTP ${status}`, {
    hint: "Check that the URL is that of a comfyfleet edge.",
  });
}

/** Status of a stream that was refused before it began: EventSource keeps nothing else of the answer. */
function refusalOf(event: unknown): FleetError | null {
  const status = typeof event === "object" && event !== null && "code" in event ? event.code : null;
  if (status === 401) {
    return new FleetError("unauthorized", "Cannot authenticate: the edge refused the API key", {
      hint: "Use another key; an administrator makes them with keys.create.",
    });
  }
  return status === 403 ? new FleetError("forbidden", "Cannot do this: the edge refused it to this API key") : null;
}

const TrpcRefusal = z.object({ error: z.object({ json: z.object({ data: z.object({ fleet: ErrorEnvelope }) }) }) });

/** Why a stream was refused before it began. */
export async function streamRefusal(response: Response, baseUrl: string): Promise<FleetError> {
  const body: unknown = await response.json().catch(() => null);
  const refusal = TrpcRefusal.safeParse(body);
  if (refusal.success) return FleetError.fromEnvelope(refusal.data.error.json.data.fleet);
  return refusalOf({ code: response.status }) ?? foreign(response.status, baseUrl);
}

/** What a tRPC call or a fetch threw, as FleetError; an abort by the caller stays what it is. */
export function toClientError(error: unknown, baseUrl: string): unknown {
  if (FleetError.is(error)) return error;
  if (error instanceof TRPCClientError) {
    const envelope = envelopeOf(error.data?.fleet);
    if (envelope) return FleetError.fromEnvelope(envelope, error);
    if (error.cause === undefined) return unreachable(baseUrl, error);
    return refusalOf(error.cause) ?? toClientError(error.cause, baseUrl);
  }
  if (error instanceof Error && error.name === "AbortError") return error;
  return unreachable(baseUrl, error);
}

/** @throws FleetError unless the response is one of success. */
export async function ensureOk(response: Response, baseUrl: string): Promise<Response> {
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  const envelope = typeof body === "object" && body !== null && "error" in body ? envelopeOf(body.error) : null;
  if (envelope) throw FleetError.fromEnvelope(envelope);
  throw foreign(response.status, baseUrl);
}

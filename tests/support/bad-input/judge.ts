/** What an answer to bad input may be: success, or a typed error that tells nothing of our insides. */
import { z } from "zod";
import { ERROR_CODES, ErrorEnvelope } from "../../../contracts/errors.ts";
import { leaksOf } from "../fleet/leaks.ts";
import type { NoAnswer, RawAnswer, RawRequest } from "./send.ts";

const RawBody = z.object({ error: ErrorEnvelope });
const TrpcBody = z.object({
  error: z.object({ json: z.object({ data: z.object({ fleet: ErrorEnvelope, httpStatus: z.number() }) }) }),
});

/** The envelope of a refusal, wherever its body has it; null when there is none. */
export function envelopeIn(text: string): ErrorEnvelope | null {
  try {
    const body: unknown = JSON.parse(text);
    const raw = RawBody.safeParse(body);
    return raw.success ? raw.data.error : TrpcBody.parse(body).error.json.data.fleet;
  } catch {
    return null;
  }
}

/** A refusal of the Comfy API v2; its statuses are held to the contract where each is made. */
const V2Body = z.object({
  error: z.strictObject({ code: z.string().min(1), message: z.string().min(1), details: z.looseObject({}).nullable() }),
});

/** The code of a v2 refusal; null for another body. */
function v2CodeIn(text: string): string | null {
  try {
    return V2Body.parse(JSON.parse(text)).error.code;
  } catch {
    return null;
  }
}

/** Where HTTP's word is narrower than the code's: a wrong method, a wrong content type, too many headers. */
const OTHER_STATUS: Readonly<Record<number, string>> = {
  405: "invalid_input",
  415: "invalid_input",
  431: "payload_too_large",
};

/** Health answers 503 with what fails, which is no error of the request. */
const HEALTH = /^\{"status":"\w+"(?:,"components":.*)?\}$/;

/** Null when the answer is in order, else what is wrong with it. */
export function problemWith(request: RawRequest, answer: RawAnswer | NoAnswer, secretFolder: string): string | null {
  if ("failure" in answer) return `${answer.failure}: ${answer.detail}`;
  const { status, text, headers } = answer;
  if (headers["content-type"]?.includes("text/event-stream")) {
    return /"code":"internal"/.test(text) ? `an internal error in the stream: ${text.slice(0, 300)}` : null;
  }
  if (status < 400) return status >= 200 ? null : `status ${status}`;
  if (request.method === "HEAD") return status === 500 ? "status 500" : null;
  if (status === 503 && HEALTH.test(text)) return null;
  const leaks = leaksOf(text, secretFolder);
  if (leaks.length > 0) return `the answer tells ${leaks.join(", ")}: ${text.slice(0, 300)}`;
  if (headers["x-request-id"] === undefined) return `status ${status} without a request id`;
  const v2Code = v2CodeIn(text);
  if (v2Code !== null && request.path.startsWith("/api/v2/")) {
    return status >= 500 || v2Code === "upstream_error" ? `status ${status}: ${text.slice(0, 300)}` : null;
  }
  const envelope = envelopeIn(text);
  if (!envelope) return `status ${status} without an envelope: ${JSON.stringify(text.slice(0, 300))}`;
  if (envelope.code === "internal") return `internal error: ${text.slice(0, 300)}`;
  if (ERROR_CODES[envelope.code].status !== status && OTHER_STATUS[status] !== envelope.code) {
    return `status ${status} with the code ${envelope.code}`;
  }
  return null;
}

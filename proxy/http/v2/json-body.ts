/** JSON bodies: bounded while they are read, UTF-8, and with no field that nobody asked for. */
import type { z } from "zod";
import { FleetError } from "../../../contracts/errors.ts";
import { readLimited } from "../../../contracts/http/body-limit.ts";
import { shorten } from "../../../contracts/shorten.ts";
import { isRecord } from "../../../contracts/workflow.ts";
import { wrongField } from "./errors.ts";

const JSON_TYPE = /^\s*application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i;
const MAX_ISSUES = 20;
/** Bytes that are none are refused: replaced ones would be another text. */
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i;

function noJson(cause?: unknown): FleetError {
  return new FleetError("invalid_json", "Cannot read the request: it is not valid JSON", {
    hint: "JSON is UTF-8 and has no NaN, no Infinity and no trailing commas; check that all of it was sent.",
    cause,
  });
}

/**
 * The object in a request's body.
 * @throws FleetError `invalid_input` for another content type, `invalid_json`, `payload_too_large` (before reading when the
 * length says so), `upload_interrupted`
 */
export async function readJsonObject(request: Request, maxBytes: number): Promise<Record<string, unknown>> {
  const type = request.headers.get("content-type");
  if (!JSON_TYPE.test(type ?? "") || OTHER_CHARSET.test(type ?? "")) {
    throw new FleetError("invalid_input", `Cannot read the request: its content type is '${shorten(type ?? "none")}'`, {
      hint: "Send 'content-type: application/json', which is UTF-8.",
    });
  }
  const limited = await readLimited(request, { maxBytes, setting: "MAX_WORKFLOW_BYTES" });
  let body: unknown;
  try {
    body = JSON.parse(UTF8.decode(await limited.arrayBuffer()));
  } catch (error) {
    if (FleetError.is(error)) throw error;
    throw noJson(error);
  }
  if (isRecord(body)) return body;
  throw new FleetError("invalid_json", "Cannot read the request: its body is no JSON object", {
    hint: 'Send an object, e.g. { "workflow": { … } }.',
  });
}

/** @throws FleetError `invalid_input` (422) with `details.issues` */
export function readFields<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Zod names every unknown key in one message, and a path holds foreign keys.
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    field: shorten(issue.path.join("."), 300),
    reason: shorten(issue.message, 300),
  }));
  const first = issues[0];
  throw wrongField(`Cannot read the request: ${first?.field || "body"}: ${first?.reason}`, {
    hint: "Mend the fields in details.issues.",
    details: { issues },
  });
}

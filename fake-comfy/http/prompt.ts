/** `POST /prompt` and `GET /prompt`. */
import { randomUUID } from "node:crypto";
import {
  isJsonObject,
  type Json,
  type JsonObject,
  pyContains,
  PyError,
  pyTypeName,
  toBool,
  toFloat,
} from "../python.ts";
import { validatePrompt } from "../validation/prompt.ts";
import { readJson } from "./body.ts";
import { jsonReply } from "./replies.ts";
import type { RequestView, Routes } from "./routes.ts";
import type { ServerContext } from "./server-context.ts";

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Kept out of every answer. */
const SENSITIVE_KEYS = ["auth_token_comfy_org", "api_key_comfy_org"];

/** True for the one spelling of job ids that ComfyUI takes. */
export function isJobId(value: Json): value is string {
  return typeof value === "string" && CANONICAL_UUID.test(value);
}

export function addPromptRoutes(routes: Routes, context: ServerContext): void {
  const counter = { next: 0 };
  routes.both("GET", "/prompt", () => jsonReply({ exec_info: { queue_remaining: context.queue.remaining() } }));
  routes.both("POST", "/prompt", (request) => postPrompt(request, context, counter));
}

async function postPrompt(request: RequestView, context: ServerContext, counter: { next: number }): Promise<Response> {
  context.log.info("got prompt");
  const body = await readJson(request);
  const number = numberOf(body, counter);
  if (!pyContains(body, "prompt")) return refusal("no_prompt", "No prompt provided", "No prompt provided");
  const fields = objectOf(body);
  const promptId = fields["prompt_id"] ?? randomUUID();
  if (!isJobId(promptId)) {
    const details = "prompt_id must be a UUID string in canonical lowercase hyphenated form; " +
      "omit it to let the server generate one";
    return refusal("invalid_prompt_id", "prompt_id must be a valid UUID", details);
  }
  const prompt = fields["prompt"] ?? null;
  if (context.faults.any) await context.faults.beforeValidation();
  const validation = validatePrompt(prompt, fields["partial_execution_targets"] ?? null, {
    classes: context.classes,
    directories: context.options.directories,
  });
  const extraData = extraDataOf(fields, request.header("comfy-usage-source"));
  if (!validation.ok) {
    context.log.warning(`invalid prompt: ${validation.error.type}`);
    return jsonReply({ error: validation.error, node_errors: validation.nodeErrors }, 400);
  }
  const sensitive: JsonObject = {};
  for (const key of SENSITIVE_KEYS) {
    if (extraData[key] === undefined) continue;
    sensitive[key] = extraData[key];
    delete extraData[key];
  }
  extraData["create_time"] = context.nowMs();
  const graph = objectOf(prompt);
  context.queue.put({ number, promptId, prompt: graph, extraData, outputs: validation.outputs, sensitive });
  return jsonReply({ prompt_id: promptId, number, node_errors: validation.nodeErrors });
}

/** An explicit number does not move the counter on; `front` turns the counter's number negative. */
function numberOf(body: Json, counter: { next: number }): number {
  if (pyContains(body, "number")) return toFloat(objectOf(body)["number"] ?? null);
  const front = pyContains(body, "front") && toBool(objectOf(body)["front"] ?? null);
  const number = counter.next++;
  return front && number !== 0 ? -number : number;
}

function extraDataOf(fields: JsonObject, usageSource: string | undefined): JsonObject {
  const extraData = Object.hasOwn(fields, "extra_data") ? objectOf(fields["extra_data"] ?? null) : {};
  if (Object.hasOwn(fields, "client_id")) extraData["client_id"] = fields["client_id"] ?? null;
  if (usageSource !== undefined) extraData["comfy_usage_source"] ??= usageSource;
  return extraData;
}

/** @throws {PyError} where Python would stumble over something that is no dict */
function objectOf(value: Json): JsonObject {
  if (isJsonObject(value)) return value;
  throw new PyError("TypeError", `'${pyTypeName(value)}' object does not support item assignment`);
}

function refusal(type: string, message: string, details: string): Response {
  return jsonReply({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

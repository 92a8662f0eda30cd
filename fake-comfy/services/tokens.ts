/** What travels along a link in place of models, latents and clips: a word for what it is, and a few facts. */
import { isPlain } from "../nodes/inputs.ts";
import type { Value } from "../nodes/node-class.ts";
import { type JsonObject, PyError, pyTypeName } from "../python.ts";

export function token(type: string, facts: JsonObject = {}): JsonObject {
  return { ...facts, fake: type };
}

/** @throws {PyError} AttributeError when the graph holds something else where a `type` belongs. */
export function tokenInput(inputs: Readonly<Record<string, Value>>, name: string, type: string): JsonObject {
  const value = inputs[name] ?? null;
  if (isPlain(value) && value["fake"] === type) return value;
  const given = value === null || typeof value !== "object" || Array.isArray(value) || isPlain(value)
    ? pyTypeName(value)
    : "Tensor";
  throw new PyError("AttributeError", `'${given}' object has no attribute 'shape'`);
}

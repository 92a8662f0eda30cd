/** Reads a running node's inputs by type. Validation let constants through for pictures, so the check is made here. */
import { ImageBatch } from "../images/frame.ts";
import { isJsonObject, type JsonObject, PyError, pyTypeName } from "../python.ts";
import type { Value } from "./node-class.ts";

type Inputs = Readonly<Record<string, Value>>;

/** @throws {PyError} AttributeError when the graph holds a constant where a picture belongs. */
export function imageInput(inputs: Inputs, name: string): ImageBatch {
  const value = inputs[name];
  if (value instanceof ImageBatch) return value;
  throw new PyError("AttributeError", `'${valueTypeName(value ?? null)}' object has no attribute 'shape'`);
}

/** A number; validation has coerced it. */
export function numberInput(inputs: Inputs, name: string): number {
  return Number(inputs[name] ?? 0);
}

/** A text; validation has coerced it. */
export function textInput(inputs: Inputs, name: string): string {
  const value = inputs[name];
  return typeof value === "string" ? value : String(value ?? "");
}

/** The name Python gives the type of what travels along a link. */
export function valueTypeName(value: Value): string {
  if (value === null || typeof value !== "object" || Array.isArray(value) || isPlain(value)) return pyTypeName(value);
  return "Tensor";
}

/** True for JSON, false for pictures and masks. */
export function isPlain(value: Value): value is JsonObject {
  return isJsonObject(value) && Object.getPrototypeOf(value) === Object.prototype;
}

/** Checks and coerces one constant of a graph. */
import type { InputSpec } from "../nodes/node-class.ts";
import { isJsonObject, type Json, pyEquals, PyError, pyStr, toBool, toFloat, toInt } from "../python.ts";
import { invalidInputType, type PromptError, valueNotInList, valueOutOfRange } from "./errors.ts";

/** The value as the node will get it, and the error when it may not be used. */
export interface CheckedConstant {
  readonly value: Json;
  readonly error: PromptError | null;
}

/** @param ranges false when the class checks the value itself */
export function checkConstant(name: string, spec: InputSpec, given: { value: Json; ranges: boolean }): CheckedConstant {
  const raw = unwrap(given.value);
  let value: Json;
  try {
    value = coerce(spec, raw);
  } catch (error) {
    if (!(error instanceof PyError)) throw error;
    return { value: raw, error: invalidInputType({ name, spec, value: raw }, error.message) };
  }
  return { value, error: given.ranges ? rangeError(name, spec, value) : null };
}

/** `{"__value__": x}` carries a list that would otherwise be read as a link. */
function unwrap(value: Json): Json {
  return isJsonObject(value) && Object.hasOwn(value, "__value__") ? value["__value__"] ?? null : value;
}

function coerce(spec: InputSpec, value: Json): Json {
  switch (spec.type) {
    case "INT":
      return toInt(value);
    case "FLOAT":
      return toFloat(value);
    case "STRING":
      return pyStr(value);
    case "BOOLEAN":
      return toBool(value);
    default:
      return value;
  }
}

function rangeError(name: string, spec: InputSpec, value: Json): PromptError | null {
  const received = { name, spec, value };
  const { min, max, options } = spec.options ?? {};
  if (typeof value === "number" && typeof min === "number" && value < min) return valueOutOfRange(received, "min", min);
  if (typeof value === "number" && typeof max === "number" && value > max) return valueOutOfRange(received, "max", max);
  const choices = typeof spec.type !== "string" ? [...spec.type] : spec.type === "COMBO" ? options : undefined;
  if (!Array.isArray(choices) || choices.some((choice) => pyEquals(choice, value))) return null;
  return valueNotInList(received, choices);
}

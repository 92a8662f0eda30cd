/** Widget values: convertible as ComfyUI converts them, and within the range. */
import { isAssetReference } from "../../../contracts/workflow.ts";
import type { InputInfo } from "../input-info.ts";
import { pythonBool, pythonFloat, pythonInt } from "../python-value.ts";

const SHOWN = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function converted(type: InputInfo["type"], value: unknown): unknown {
  switch (type) {
    case "INT":
      return pythonInt(value);
    case "FLOAT":
      return pythonFloat(value);
    case "STRING":
      return typeof value === "string" ? value : shown(value);
    case "BOOLEAN":
      return Number(pythonBool(value));
    default:
      return typeof value === "boolean" ? Number(value) : value;
  }
}

/** Why `value` cannot be used for the input, or null. */
export function scalarProblem(value: unknown, { type, min, max }: InputInfo): string | null {
  const isNumber = type === "INT" || type === "FLOAT";
  if (isNumber && isAssetReference(value)) return `A file cannot stand for ${type}`;
  const number = converted(type, value);
  if (isNumber && number === null) return `${shown(value)} cannot be read as ${type}`;
  if (min === null && max === null) return null;
  if (typeof number !== "number") return `${shown(value)} cannot be compared with its range`;
  if (min !== null && number < min) return `${shown(value)} is smaller than the minimum ${min}`;
  if (max !== null && number > max) return `${shown(value)} is bigger than the maximum ${max}`;
  return null;
}

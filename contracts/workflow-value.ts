/** What one input value of a foreign graph may be, whatever its node: exact numbers, bounded depth, no escaping path. */
import { isAssetReference } from "./workflow.ts";

/** Same shape as a field error of the Comfy API v2 (`details.node_errors`). */
export interface NodeProblem {
  field: string;
  reason: string;
}

const MAX_DEPTH = 32;

/** Inputs whose string names a file or folder: the last word of the input's name decides. */
const PATH_INPUT =
  /(^|[_.])(filename|filename_prefix|prefix|file|files|path|folder|subfolder|directory|dir|image|video|audio|mask)$/i;
const ESCAPES = /^([/\\~]|[a-zA-Z]:[/\\])|(^|[/\\])\.\.([/\\]|$)|\0/;

/** Whether a relative path would leave the folder it is meant for (`..`, absolute, drive letter, NUL). */
export function pathEscapes(path: string): boolean {
  return ESCAPES.test(path);
}

function numberProblem(value: number): string | null {
  if (!Number.isFinite(value)) return `${value} is no number that JSON can carry`;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `${value} is outside ±(2^53−1) and would lose digits; use a smaller number (a seed, for example)`;
  }
  return null;
}

function nestedProblem(value: unknown, depth: number): string | null {
  if (typeof value === "number") return numberProblem(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return null;
  if (typeof value !== "object") return `it holds a ${typeof value}, which JSON cannot carry`;
  if (depth >= MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (depth > 0 && isAssetReference(value)) return "an asset reference must be the input's whole value";
  if (
    !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null
  ) {
    return "it holds a value that JSON cannot carry";
  }
  for (const child of Object.values(value)) {
    const problem = nestedProblem(child, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why `value` cannot stand for the input `field` of any node, or null. */
export function valueProblem(field: string, value: unknown): string | null {
  if (typeof value === "string" && PATH_INPUT.test(field) && pathEscapes(value)) {
    return `'${value.slice(0, 200)}' leaves its folder; use a relative path without '..'`;
  }
  return nestedProblem(value, 0);
}

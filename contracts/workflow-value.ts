/**
 * What one input value of a foreign graph may be, whatever its node: exact numbers, bounded depth, no reserved key, no
 * escaping path.
 */
import { isAssetReference, isRecord } from "./workflow.ts";

/** Same shape as a field error of the Comfy API v2 (`details.node_errors`). */
export interface NodeProblem {
  field: string;
  reason: string;
}

const MAX_DEPTH = 32;
/** A second line behind the limit on a request's bytes: an object that is used in many places counts each time. */
const MAX_VALUES = 1_000_000;

/** How many more values a graph may hold; shared by all of its inputs. */
export interface ValueBudget {
  left: number;
}

export function newValueBudget(): ValueBudget {
  return { left: MAX_VALUES };
}

const RESERVED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Names that superjson never sends, so that a graph with them could not reach a pod. */
export function isReservedName(name: string): boolean {
  return RESERVED.has(name);
}

/** An object as JSON has it, and no URL, Map or Date. */
export function isPlainRecord(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

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

function nestedProblem(value: unknown, depth: number, budget: ValueBudget): string | null {
  if (budget.left <= 0) return `the graph holds more than ${MAX_VALUES} values`;
  budget.left--;
  if (typeof value === "number") return numberProblem(value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return null;
  if (typeof value !== "object") return `it holds a ${typeof value}, which JSON cannot carry`;
  if (depth >= MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (depth > 0 && isAssetReference(value)) return "an asset reference must be the input's whole value";
  if (!Array.isArray(value)) {
    if (!isPlainRecord(value)) return "it holds a value that JSON cannot carry";
    const reserved = Object.keys(value).find(isReservedName);
    if (reserved !== undefined) return `it holds the reserved key '${reserved}'`;
  }
  for (const child of Object.values(value)) {
    const problem = nestedProblem(child, depth + 1, budget);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why `value` cannot stand for the input `field` of any node, or null. Each value in it is taken off `budget`. */
export function valueProblem(field: string, value: unknown, budget: ValueBudget): string | null {
  if (isReservedName(field)) return `'${field}' is a reserved name`;
  if (typeof value === "string" && PATH_INPUT.test(field) && pathEscapes(value)) {
    return `'${value.slice(0, 200)}' leaves its folder; use a relative path without '..'`;
  }
  return nestedProblem(value, 0, budget);
}

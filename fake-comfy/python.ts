/**
 * The parts of Python that show through ComfyUI's wire: exceptions with a type name, `repr` and `str` of JSON values,
 * and the coercions `int()`, `float()`, `str()` and `bool()` with their error texts.
 */

/** Any value that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  [key: string]: Json;
}

/** A failure as ComfyUI reports it: `type` is what stands in `exception_type`, for example `ValueError`. */
export class PyError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.name = "PyError";
    this.type = type;
  }
}

/** True for a JSON object; false for null and for arrays. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The name Python gives a JSON value's type, as it appears in its error texts. */
export function pyTypeName(value: Json): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int" : "float";
    case "string":
      return "str";
    default:
      return "dict";
  }
}

/** A number as Python prints a float: whole numbers keep `.0`. */
export function pyFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}

/** `repr(value)`. */
export function pyRepr(value: Json): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return reprString(value);
  if (Array.isArray(value)) return `[${value.map(pyRepr).join(", ")}]`;
  return `{${Object.entries(value).map(([key, item]) => `${reprString(key)}: ${pyRepr(item)}`).join(", ")}}`;
}

/** `str(value)`: like `repr`, but a string stays as it is. */
export function pyStr(value: Json): string {
  return typeof value === "string" ? value : pyRepr(value);
}

/** `int(value)`. @throws {PyError} TypeError or ValueError with Python's text. */
export function toInt(value: Json): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return Math.trunc(value);
  if (typeof value === "string") {
    if (/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) return Number(value.replaceAll("_", ""));
    throw new PyError("ValueError", `invalid literal for int() with base 10: ${pyRepr(value)}`);
  }
  throw new PyError(
    "TypeError",
    `int() argument must be a string, a bytes-like object or a real number, not '${pyTypeName(value)}'`,
  );
}

/** `float(value)`. @throws {PyError} TypeError or ValueError with Python's text. */
export function toFloat(value: Json): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const text = value.trim();
    if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
    throw new PyError("ValueError", `could not convert string to float: ${pyRepr(value)}`);
  }
  throw new PyError("TypeError", `float() argument must be a string or a real number, not '${pyTypeName(value)}'`);
}

/** `bool(value)`: empty containers, empty text, zero and None are false. */
export function toBool(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** `key in container` for what a JSON body can be. @throws {PyError} TypeError where Python cannot look inside. */
export function pyContains(container: Json, key: string): boolean {
  if (typeof container === "string" || Array.isArray(container)) return container.includes(key);
  if (isJsonObject(container)) return Object.hasOwn(container, key);
  throw new PyError("TypeError", `argument of type '${pyTypeName(container)}' is not iterable`);
}

/** Structural equality of two JSON values, as `==` on Python's containers. */
export function pyEquals(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => pyEquals(item, right[index] ?? null));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && pyEquals(left[key] ?? null, right[key] ?? null));
}

function reprString(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}

/** `round()`: halves go to the even neighbour. */
export function pyRound(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Python's `int()` and `float()` for what JSON can carry: ComfyUI converts every widget value with them. */

// No run of digits stands beside another that it could be split with: that would take quadratic time.
const INTEGER = /^\s*[+-]?\d+(_\d+)*\s*$/;
const DECIMAL = /^\s*[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?\s*$/i;
const SPECIAL = /^\s*([+-]?)(inf(?:inity)?|nan)\s*$/i;
/** Longer texts are no numbers here. Python reads some, which nobody means. */
const MAX_CHARS = 400;

/** The number, or null where Python raises. Beyond ±2^53 it is rounded, which no range check minds. */
export function pythonInt(value: unknown): number | null {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) : null;
  if (typeof value !== "string" || value.length > MAX_CHARS || !INTEGER.test(value)) return null;
  return Number(value.replaceAll("_", "").trim());
}

/** The number (NaN included), or null where Python raises. */
export function pythonFloat(value: unknown): number | null {
  if (typeof value === "boolean" || typeof value === "number") return Number(value);
  if (typeof value !== "string" || value.length > MAX_CHARS) return null;
  if (DECIMAL.test(value)) return Number(value.replaceAll("_", "").trim());
  const special = SPECIAL.exec(value);
  if (!special) return null;
  if (special[2]?.toLowerCase() === "nan") return Number.NaN;
  return special[1] === "-" ? -Infinity : Infinity;
}

/** Python's truth of a value. */
export function pythonBool(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}

/**
 * The `Range` header of RFC 9110, single ranges only: several would need a multipart body that no client of ours asks for.
 * What is malformed is no range at all and is ignored, as is one that ends before it starts.
 */

/** Inclusive, as on the wire. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Null for the whole: no header, another unit, several ranges, or not understood. */
export function parseRange(header: string | null | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | null {
  const match = /^bytes=[ \t]*(\d*)-(\d*)$/i.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return null;
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (first !== "" && last !== "" && Number(last) < start) return null;
  // The last bytes of nothing are nothing: satisfiable, and there is no range to name.
  if (sizeBytes === 0 && first === "" && Number(last) > 0) return null;
  if (start >= sizeBytes) return "unsatisfiable";
  return { start, end };
}

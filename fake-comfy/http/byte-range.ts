/** One range of a `Range` header. */

/** First and last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** The range for a file of this size; null without a header; "unsatisfiable" for what cannot be served or read. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | null {
  if (header === undefined) return null;
  const match = /^bytes=(\d*)-(\d*)$/.exec(header);
  const [, from = "", to = ""] = match ?? [];
  if (match === null || (from === "" && to === "")) return "unsatisfiable";
  if (from === "") return suffix(Number(to), sizeBytes);
  const first = Number(from);
  const last = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (first >= sizeBytes || (to !== "" && Number(to) < first)) return "unsatisfiable";
  return { first, last };
}

function suffix(length: number, sizeBytes: number): ByteRange | "unsatisfiable" {
  if (length === 0 || sizeBytes === 0) return "unsatisfiable";
  return { first: Math.max(0, sizeBytes - length), last: sizeBytes - 1 };
}

/** The `Range` header as RFC 9110 has it, for one range of bytes. */

/** Inclusive at both ends. */
export interface ByteRange {
  start: number;
  end: number;
}

/** `whole`: no range asked for, or one that may be ignored (several ranges, another unit). */
export type RangeAnswer = ByteRange | "whole" | "unsatisfiable";

/** The part of `sizeBytes` bytes that the header asks for. A malformed range of bytes counts as unsatisfiable. */
export function parseRange(header: string | null, sizeBytes: number): RangeAnswer {
  const [, set] = /^\s*bytes\s*=(.*)$/i.exec(header ?? "") ?? [];
  if (set === undefined || set.includes(",")) return "whole";
  const [, first, last] = /^\s*(\d{0,16})\s*-\s*(\d{0,16})\s*$/.exec(set) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "unsatisfiable";
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  const isReversed = first !== "" && last !== "" && Number(last) < Number(first);
  return isReversed || start >= sizeBytes ? "unsatisfiable" : { start, end };
}

/** Spans of time as people write them. */
import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `90s`, `15m`, `2h`, `1d`; the result is in ms. @throws InvalidArgumentError for what is no span, or out of bounds */
export function spanOfTime(minimum: string, maximum: string): (text: string) => number {
  const [minMs, maxMs] = [read(minimum), read(maximum)];
  return (text) => {
    const ms = read(text);
    if (ms >= minMs && ms <= maxMs) return ms;
    throw new InvalidArgumentError(`Expected a time from ${minimum} to ${maximum}, such as 90s, 15m or 2h.`);
  };
}

function read(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text.trim()) ?? [];
  return digits === "" ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
}

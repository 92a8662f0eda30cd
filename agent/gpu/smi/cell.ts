/**
 * One cell of nvidia-smi's CSV. A field that a GPU or a driver does not have is written in a dozen ways, all of which mean
 * "absent" and none a fault; three others mean that the GPU did not answer. Pure.
 */

/** `unreadable`: the driver could not get this value. `lost` and `reset_required`: it says why it gets none any more. */
export type CellFault = "unreadable" | "lost" | "reset_required";

export type Cell = { is: "value"; text: string } | { is: "absent" } | { is: "fault"; fault: CellFault };

const ABSENT = new Set(["", "n/a", "not supported", "not available", "not found", "insufficient permissions"]);

const FAULTS: Readonly<Record<string, CellFault>> = {
  "unknown error": "unreadable",
  "err!": "unreadable",
  "gpu is lost": "lost",
  "gpu requires reset": "reset_required",
  "reset required": "reset_required",
};

export function parseCell(raw: string): Cell {
  const text = raw.trim();
  const inside = /^\[(.*)\]$/.exec(text)?.[1];
  const word = (inside ?? text).trim().toLowerCase();
  const fault = FAULTS[word];
  if (fault !== undefined) return { is: "fault", fault };
  // No value stands in brackets: a word in them that is new here is one more way to say that there is none.
  if (inside !== undefined || ABSENT.has(word)) return { is: "absent" };
  return { is: "value", text };
}

export function textOf(cell: Cell): string | null {
  return cell.is === "value" ? cell.text : null;
}

/** A number, with its unit where the driver writes one all the same; null for anything else. */
export function numberOf(cell: Cell): number | null {
  const match = cell.is === "value" ? /^(-?\d+(?:\.\d+)?)(?: ?(?:MiB|W|MHz|%|C|us))?$/.exec(cell.text) : null;
  const number = match === null ? NaN : Number(match[1]);
  return Number.isFinite(number) ? number : null;
}

/** A whole number of 0 or more. */
export function countOf(cell: Cell): number | null {
  const number = numberOf(cell);
  return number !== null && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

const YES = new Set(["enabled", "yes", "active", "1"]);
const NO = new Set(["disabled", "no", "not active", "0"]);

export function flagOf(cell: Cell): boolean | null {
  const word = textOf(cell)?.toLowerCase();
  if (word === undefined) return null;
  if (YES.has(word)) return true;
  return NO.has(word) ? false : null;
}

/** Bits of a `0x…` mask. */
export function maskOf(cell: Cell): bigint | null {
  const text = textOf(cell);
  return text !== null && /^0x[0-9a-f]{1,16}$/i.test(text) ? BigInt(text) : null;
}

/** Labels that a caller gives to a job: few, short, and safe to show anywhere. */
import { z } from "zod";
import { FleetError } from "./errors.ts";
import { shorten } from "./shorten.ts";
import { isPlainRecord, isReservedName } from "./workflow-value.ts";

/** At most 16 pairs. Keys: 1 to 40 of `A-Z a-z 0-9 _ . -`. Values: at most 256 bytes of UTF-8 on one line. */
export type Metadata = Readonly<Record<string, string>>;

export const MAX_METADATA_PAIRS = 16;
/** Pairs that a list may be filtered by. */
export const MAX_FILTER_PAIRS = 3;

const KEY = /^[A-Za-z0-9_.-]{1,40}$/;
const MAX_VALUE_BYTES = 256;
/** Control characters, and those that turn the direction of what follows: neither may reach a terminal. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

function pairProblem(key: string, value: unknown): string | null {
  const named = `'${shorten(key, 60)}'`;
  if (!KEY.test(key)) return `the key ${named} is not 1 to 40 of A-Z, a-z, 0-9, '_', '.' and '-'`;
  if (isReservedName(key)) return `the key ${named} is a reserved name`;
  if (typeof value !== "string") return `the value of ${named} is not a string`;
  if (!value.isWellFormed() || UNSAFE.test(value)) {
    return `the value of ${named} holds a control or direction character, or half of one`;
  }
  if (new TextEncoder().encode(value).byteLength > MAX_VALUE_BYTES) {
    return `the value of ${named} has more than ${MAX_VALUE_BYTES} bytes`;
  }
  return null;
}

function problemOf(value: unknown, maxPairs: number): string | null {
  if (!isPlainRecord(value)) return "it is not an object of strings";
  const pairs = Object.entries(value);
  if (pairs.length > maxPairs) return `it has ${pairs.length} pairs, at most ${maxPairs}`;
  for (const [key, text] of pairs) {
    const problem = pairProblem(key, text);
    if (problem !== null) return problem;
  }
  return null;
}

/** Why `value` is no {@link Metadata} in words that fit behind a colon, or null. */
export function metadataProblem(value: unknown): string | null {
  return problemOf(value, MAX_METADATA_PAIRS);
}

/** The same of a filter of at most {@link MAX_FILTER_PAIRS} pairs. */
export function metadataFilterProblem(value: unknown): string | null {
  return problemOf(value, MAX_FILTER_PAIRS);
}

/** Schema form; the typed error travels through tRPC as the cause. @throws FleetError `metadata_invalid` */
export const Metadata = z.custom<Metadata>().transform((value): Metadata => {
  const problem = metadataProblem(value);
  if (problem === null) return value;
  throw new FleetError("metadata_invalid", `Cannot read the metadata: ${problem}`, {
    hint: `Give at most ${MAX_METADATA_PAIRS} short labels, e.g. { "project": "spring" }.`,
  });
});

/** Pairs that a job must have, all of them. @throws FleetError `invalid_metadata_filter` */
export const MetadataFilter = z.custom<Metadata>().transform((value): Metadata => {
  const problem = metadataFilterProblem(value);
  if (problem === null) return value;
  throw new FleetError("invalid_metadata_filter", `Cannot list jobs by metadata: ${problem}`, {
    hint: `Ask for at most ${MAX_FILTER_PAIRS} pairs of key and whole value.`,
  });
});

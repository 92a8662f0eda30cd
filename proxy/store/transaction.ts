/**
 * The store's transactions as synchronous generators that yield statements and receive rows. One text of SQL and one flow
 * of decisions then serve every driver: SQLite runs the generator synchronously inside one transaction, a driver with a
 * network in between awaits each statement.
 */
import { z } from "zod";

export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, unknown>>;

/** Placeholders are `$1`, `$2`, …; SQL stays within what SQLite and PostgreSQL both read. */
export type Statement =
  | {
    kind: "sql";
    sql: string;
    params: readonly SqlValue[];
    /** Holds the rows until the transaction ends. A driver whose writers are already serial ignores it. */
    lock: boolean;
  }
  /** Answered with one row `{ now_ms }`: the store's own clock, epoch ms. */
  | { kind: "clock" };

/** One transaction that ends with a `T`. It must have no effect of its own: a driver may run it again from the start. */
export type Transaction<T> = Generator<Statement, T, readonly SqlRow[]>;

/** Runs transactions. A transaction that throws leaves nothing behind. */
export interface StoreDriver {
  /** All of it or nothing, and durable when the promise resolves. */
  write<T>(transaction: () => Transaction<T>): Promise<T>;
  /** Reads only; sees one state of the store. */
  read<T>(transaction: () => Transaction<T>): Promise<T>;
  close(): Promise<void>;
}

export function* all<S extends z.ZodType>(
  sql: string,
  params: readonly SqlValue[],
  row: S,
): Transaction<z.output<S>[]> {
  const rows = yield { kind: "sql", sql, params, lock: false };
  return rows.map((value) => row.parse(value));
}

/** The first row, or null. */
export function* one<S extends z.ZodType>(
  sql: string,
  params: readonly SqlValue[],
  row: S,
): Transaction<z.output<S> | null> {
  const [first] = yield { kind: "sql", sql, params, lock: false };
  return first === undefined ? null : row.parse(first);
}

/** {@link one}, and nobody else changes the row until the transaction ends. */
export function* oneLocked<S extends z.ZodType>(
  sql: string,
  params: readonly SqlValue[],
  row: S,
): Transaction<z.output<S> | null> {
  const [first] = yield { kind: "sql", sql, params, lock: true };
  return first === undefined ? null : row.parse(first);
}

/** Whether the statement returned a row: `… returning` of a guarded write says whether the guard held. */
export function* happened(sql: string, params: readonly SqlValue[]): Transaction<boolean> {
  const rows = yield { kind: "sql", sql, params, lock: false };
  return rows.length > 0;
}

export function* run(sql: string, params: readonly SqlValue[]): Transaction<void> {
  yield { kind: "sql", sql, params, lock: false };
}

const ClockRow = z.object({ now_ms: z.int() });

/** The store's own time in epoch ms. */
export function* clock(): Transaction<number> {
  const [row] = yield { kind: "clock" };
  return ClockRow.parse(row).now_ms;
}

const LIST_SIZES = [1, 8, 64] as const;
const MAX_LIST = 64;

/** Parameters of an `in (…)` list, filled up by repetition to few sizes so that few texts are ever prepared. */
export interface ListChunk {
  /** E.g. `$2, $3, $4`. */
  placeholders: string;
  values: string[];
}

/** All `values` in one list, filled up to the first of `sizes` that they fit; there is at least one. */
export function filledList(values: readonly string[], first: number, sizes: readonly number[]): ListChunk {
  const size = sizes.find((candidate) => candidate >= values.length) ?? values.length;
  const last = values[values.length - 1] ?? "";
  const filled = [...values, ...Array.from({ length: size - values.length }, () => last)];
  return { placeholders: filled.map((_, index) => `$${first + index}`).join(", "), values: filled };
}

/** Cuts `values` into lists of at most 64; the first placeholder is `$first`. */
export function listChunks(values: readonly string[], first: number): ListChunk[] {
  const chunks: ListChunk[] = [];
  for (let start = 0; start < values.length; start += MAX_LIST) {
    chunks.push(filledList(values.slice(start, start + MAX_LIST), first, LIST_SIZES));
  }
  return chunks;
}

/** The shape of one step of the schema. */
import type { Transaction } from "../transaction.ts";

/** A released one is never edited: what it did is in people's files. */
export interface Migration {
  /** From 1, without gaps. */
  version: number;
  /** Run in order, in one transaction. */
  statements: readonly string[];
  /** What SQL alone cannot do with the rows of before: in the same transaction, after the statements. */
  also?: () => Transaction<void>;
}

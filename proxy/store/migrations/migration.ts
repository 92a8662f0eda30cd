/** The shape of one step of the schema. A released one is never edited: what it did is in people's files. */
export interface Migration {
  /** From 1, without gaps. */
  version: number;
  /** Run in order, in one transaction. */
  statements: readonly string[];
}

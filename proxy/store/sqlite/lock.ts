/**
 * One edge per SQLite file. The lock is a file lock that the kernel drops with the process, however it ends, so an edge
 * that takes over after a kill -9 waits for nothing and cleans up nothing.
 */
import { DatabaseSync } from "node:sqlite";
import { FleetError } from "../../../contracts/errors.ts";

export interface StoreLock {
  release(): void;
}

/** Takes the lock beside `path`. @throws FleetError `conflict` when another process has it. */
export function lockStore(path: string): StoreLock {
  const database = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    // Deno's errors carry SQLite's words, but no `errcode`.
    if (!(error instanceof Error && /database is locked/.test(error.message))) throw error;
    throw new FleetError("conflict", `Cannot open the store ${path}: another edge is using it`, {
      hint: "Stop the other edge, or give this one a data directory of its own. Several edges need PostgreSQL.",
      cause: error,
    });
  }
  return { release: () => database.close() };
}

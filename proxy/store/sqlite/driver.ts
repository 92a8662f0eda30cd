/** The store's driver on `node:sqlite`, which Node and Deno both have built in. One connection, one writer, no waiting. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlRow, SqlValue, StoreDriver, Transaction } from "../transaction.ts";

export interface SqliteDriverOptions {
  /** File, or `:memory:`. */
  path: string;
  /** The store's clock, epoch ms. */
  now: () => number;
  /** Runs when the driver closes, after the database. */
  onClosed?: () => void;
}

/** How long to wait for another program that holds the file, e.g. a backup, in ms. Blocks the process meanwhile. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * `$1` is a named parameter to SQLite; `?1` is the first one. A limit that is nothing but a parameter is planned with:
 * SQLite then compiles the statement anew whenever it is bound, which takes longer than to run it.
 */
function toSqlite(sql: string): string {
  return sql.replaceAll(/\blimit \$(\d+)/g, "limit ($$$1 + 0)").replaceAll(/\$(\d+)/g, "?$1");
}

interface Prepared {
  statement: StatementSync;
  columns: readonly string[];
}

/** Rows come as arrays and get their names here: `node:sqlite` would make every name anew for every answer. */
function named(columns: readonly string[], values: readonly unknown[]): SqlRow {
  const row: Record<string, unknown> = {};
  columns.forEach((column, index) => row[column] = values[index]);
  return row;
}

function openDatabase(path: string): DatabaseSync {
  // The driver applies the timeout when it opens, so before journal_mode, which can meet another program's lock.
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    database.exec("pragma journal_mode = wal");
    // FULL: a commit is on the disk when it returns. Not NORMAL, which loses the last commits with the power.
    database.exec("pragma synchronous = full");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens the database; the caller holds the lock on it. */
export function createSqliteDriver({ path, now, onClosed }: SqliteDriverOptions): StoreDriver {
  const database = openDatabase(path);
  const prepared = new Map<string, Prepared>();
  let open = true;

  const prepare = (sql: string): Prepared => {
    let entry = prepared.get(sql);
    if (entry === undefined) {
      const statement = database.prepare(toSqlite(sql));
      statement.setReturnArrays(true);
      entry = { statement, columns: statement.columns().map(({ name }) => name) };
      prepared.set(sql, entry);
    }
    return entry;
  };

  const execute = (sql: string, params: readonly SqlValue[]): SqlRow[] => {
    const { statement, columns } = prepare(sql);
    // As setReturnArrays() has it; its type cannot say so.
    const rows: unknown[] = statement.all(...params);
    return rows.map((values) => named(columns, values as readonly unknown[]));
  };

  const drive = <T>(transaction: Transaction<T>): T => {
    let step = transaction.next();
    while (!step.done) {
      const statement = step.value;
      const rows: SqlRow[] = statement.kind === "clock"
        ? [{ now_ms: now() }]
        : execute(statement.sql, statement.params);
      step = transaction.next(rows);
    }
    return step.value;
  };

  return {
    // Async, so that a failure is a rejection; the work itself is done before the first await of the caller.
    async write(transaction) {
      prepare("begin immediate").statement.run();
      try {
        const result = drive(transaction());
        prepare("commit").statement.run();
        return result;
      } catch (error) {
        // SQLite may have rolled back by itself, e.g. when the disk is full.
        if (database.isTransaction) prepare("rollback").statement.run();
        throw error;
      }
    },
    async read(transaction) {
      return drive(transaction());
    },
    async close() {
      if (!open) return;
      open = false;
      database.close();
      onClosed?.();
    },
  };
}

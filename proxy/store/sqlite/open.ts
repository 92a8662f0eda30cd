/** Opens the edge's store in one SQLite file: locked for this process, private to its user, migrated. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { FleetError } from "../../../contracts/errors.ts";
import type { Store } from "../port.ts";
import { createStore } from "../create-store.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations/migrations.ts";
import type { StoreDriver } from "../transaction.ts";
import { createSqliteDriver } from "./driver.ts";
import { lockStore, type StoreLock } from "./lock.ts";
import { takeOver } from "./take-over.ts";

const IN_MEMORY = ":memory:";

export interface OpenSqliteOptions {
  /** File; its folder is made when missing. `:memory:` keeps everything in memory, unlocked and lost at the end. */
  path: string;
  /** The store's clock, epoch ms. Default: the machine's. */
  now?: () => number;
  /** How long final jobs are kept. Default: 30 days. */
  jobRetentionMs?: number;
}

/** SQLite gives its `-wal` and `-shm` files the mode of the database. */
function makePrivate(path: string): void {
  // Only a new file is opened here: closing any handle of a file drops every lock this process has on it.
  if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  chmodSync(path, 0o600);
}

function lockFile(path: string): StoreLock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  makePrivate(`${path}.lock`);
  return lockStore(path);
}

async function openLocked(path: string, now: () => number): Promise<StoreDriver> {
  const lock = path === IN_MEMORY ? null : lockFile(path);
  let driver: StoreDriver | null = null;
  try {
    if (lock !== null) makePrivate(path);
    driver = createSqliteDriver({ path, now, onClosed: () => lock?.release() });
    await migrate(driver, MIGRATIONS);
    await driver.write(takeOver);
    return driver;
  } catch (error) {
    if (driver === null) lock?.release();
    else await driver.close();
    throw error;
  }
}

/**
 * The driver below {@link openSqliteStore}: migrated and locked.
 * @throws FleetError `conflict` when another edge uses the file or a newer build has changed it; `internal` when the file
 * cannot be opened or is no database.
 */
export async function openSqliteDriver({ path, now = Date.now }: OpenSqliteOptions): Promise<StoreDriver> {
  try {
    return await openLocked(path, now);
  } catch (error) {
    if (FleetError.is(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FleetError("internal", `Cannot open the store ${path}: ${reason}`, {
      hint: "Check that its folder is on a local disk with free space and may be written by this user.",
      retryable: false,
      cause: error,
    });
  }
}

/** @throws FleetError as {@link openSqliteDriver}. */
export async function openSqliteStore(options: OpenSqliteOptions): Promise<Store> {
  return createStore(await openSqliteDriver(options), options);
}

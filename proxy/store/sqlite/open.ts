/** Opens the edge's store in one SQLite file: locked for this process, private to its user, migrated. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Store } from "../port.ts";
import { createStore } from "../create-store.ts";
import { migrate } from "../migrate.ts";
import { MIGRATIONS } from "../migrations/migrations.ts";
import type { StoreDriver } from "../transaction.ts";
import { createSqliteDriver } from "./driver.ts";
import { lockStore } from "./lock.ts";

export interface OpenSqliteOptions {
  /** File; its folder is made when missing. `:memory:` keeps everything in memory, unlocked and lost at the end. */
  path: string;
  /** The store's clock, epoch ms. Default: the machine's. */
  now?: () => number;
}

/** SQLite gives its `-wal` and `-shm` files the mode of the database. */
function makePrivate(path: string): void {
  // Only a new file is opened here: closing any handle of a file drops every lock this process has on it.
  if (!existsSync(path)) closeSync(openSync(path, "wx", 0o600));
  chmodSync(path, 0o600);
}

/**
 * The driver below {@link openSqliteStore}: migrated and locked.
 * @throws FleetError `conflict` when another edge uses the file or a newer build has changed it.
 */
export async function openSqliteDriver({ path, now = Date.now }: OpenSqliteOptions): Promise<StoreDriver> {
  const inMemory = path === ":memory:";
  if (!inMemory) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    makePrivate(`${path}.lock`);
  }
  const lock = inMemory ? null : lockStore(path);
  let driver: StoreDriver | null = null;
  try {
    if (!inMemory) makePrivate(path);
    driver = createSqliteDriver({ path, now, onClosed: () => lock?.release() });
    await migrate(driver, MIGRATIONS);
    return driver;
  } catch (error) {
    if (driver === null) lock?.release();
    else await driver.close();
    throw error;
  }
}

/** @throws FleetError `conflict` when another edge uses the file or a newer build has changed it. */
export async function openSqliteStore(options: OpenSqliteOptions): Promise<Store> {
  return createStore(await openSqliteDriver(options));
}

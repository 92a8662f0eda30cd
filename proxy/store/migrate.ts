/** Brings a store to this build's schema, one transaction a step, and refuses one that a newer build has changed. */
import { z } from "zod";
import { FleetError } from "../../contracts/errors.ts";
import type { Migration } from "./migrations/migration.ts";
import { clock, one, run, type StoreDriver, type Transaction } from "./transaction.ts";

const VersionRow = z.object({ version: z.int().nullable() });

function* schemaVersion(): Transaction<number> {
  yield* run(
    `create table if not exists schema_version (version integer primary key, applied_at_ms bigint not null)`,
    [],
  );
  const row = yield* one(`select max(version) as version from schema_version`, [], VersionRow);
  return row?.version ?? 0;
}

function* apply(migration: Migration): Transaction<void> {
  // Another edge may have applied it since the version was read.
  if ((yield* schemaVersion()) >= migration.version) return;
  for (const statement of migration.statements) yield* run(statement, []);
  if (migration.also) yield* migration.also();
  const nowMs = yield* clock();
  yield* run(`insert into schema_version (version, applied_at_ms) values ($1, $2)`, [migration.version, nowMs]);
}

/** @throws FleetError `conflict` when the store's schema is newer than `migrations`. */
export async function migrate(driver: StoreDriver, migrations: readonly Migration[]): Promise<void> {
  const known = migrations.length;
  const found = await driver.write(schemaVersion);
  if (found > known) {
    throw new FleetError("conflict", `Cannot open the store: its schema is ${found}, this build knows up to ${known}`, {
      hint: "Start the newer version of comfyfleet again, or restore the store from a backup of before the upgrade.",
    });
  }
  for (const migration of migrations.slice(found)) await driver.write(() => apply(migration));
}

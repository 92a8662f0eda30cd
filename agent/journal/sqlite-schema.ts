/** Tables of the journal, and how one of its files is opened. */
import { DatabaseSync } from "node:sqlite";

/** Raised with every change of the tables; each entry of {@link MIGRATIONS} leads to its index + 1. */
const MIGRATIONS: readonly string[] = [
  `create table identity (
     only_row integer primary key check (only_row = 1),
     boot_id text not null,
     pod_id text,
     epoch integer not null default 0
   ) strict;
   create table attempt (
     seq integer primary key autoincrement,
     id text not null unique,
     prompt_id text not null,
     work_order text not null,
     state text not null,
     rev integer not null,
     cancel integer not null default 0,
     generation_id text,
     accepted_at_ms integer not null,
     started_at_ms integer,
     executed_at_ms integer,
     finished_at_ms integer,
     progress text,
     found text,
     outputs text not null default '[]',
     cached integer not null default 0,
     error text,
     released integer not null default 0
   ) strict;
   create index attempt_live on attempt (released, seq);`,
  `alter table attempt add column refusal text;`,
  `alter table attempt add column traceparent text;`,
  `alter table attempt add column early text;`,
];

/** How long to wait for another process that reads the file, e.g. a person with the sqlite shell. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens or makes the journal. `synchronous=normal` keeps it whole over a power loss that may take its last commits; the
 * journal raises it for what must not go. The busy timeout comes first, because switching to WAL itself may meet a lock.
 * @throws Error when the file was written by a newer agent.
 */
export function openJournalDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}; pragma journal_mode = wal; pragma synchronous = normal;`);
  const version = Number(database.prepare("pragma user_version").get()?.user_version ?? 0);
  if (version > MIGRATIONS.length) {
    database.close();
    throw new Error(`Cannot open the journal: it has schema ${version}, and this agent knows ${MIGRATIONS.length}`);
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index >= version) database.exec(`begin immediate; ${sql} pragma user_version = ${index + 1}; commit;`);
  }
  return database;
}

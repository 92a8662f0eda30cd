/**
 * Schema 13: the same rows in fewer trees. Each tree that a commit touches is a page of it, written twice in the end; what
 * a table keeps beside its rows to find them by a key is one. `without rowid` is SQLite's way to have none.
 */
import type { Migration } from "./migration.ts";

export const fewerPages: Migration = {
  version: 13,
  statements: [
    // The number of an event is its row's: as in the one order of all, so in the table.
    `alter table event rename to event_before`,
    `create table event (
      seq integer primary key,
      job_id text not null references job (id),
      ver bigint not null,
      state text not null,
      attempt integer not null,
      at_ms bigint not null,
      reason text,
      tenant_id text,
      unique (job_id, ver)
    )`,
    `insert into event (seq, job_id, ver, state, attempt, at_ms, reason, tenant_id)
      select seq, job_id, ver, state, attempt, at_ms, reason, tenant_id from event_before order by seq`,
    `drop table event_before`,
    `create index event_tenant on event (tenant_id, seq)`,
    `alter table attempt rename to attempt_before`,
    `create table attempt (
      id text not null unique,
      job_id text not null references job (id),
      no integer not null,
      pod_id text not null,
      boot_id text not null,
      state text not null,
      offered_at_ms bigint not null,
      started_at_ms bigint,
      ended_at_ms bigint,
      reason text,
      graph_sha256 text not null,
      primary key (job_id, no)
    ) without rowid`,
    `insert into attempt select * from attempt_before order by job_id, no`,
    `drop table attempt_before`,
    // Live is what has not ended, so that the start of an attempt changes no index. Unique: two live attempts of one job are
    // impossible, whatever the code above does.
    `create unique index attempt_live_job on attempt (job_id) where ended_at_ms is null`,
    `create index attempt_live_pod on attempt (pod_id) where ended_at_ms is null`,
    `alter table outbox rename to outbox_before`,
    // The primary key makes a second terminal event an error that undoes its transaction.
    `create table outbox (
      job_id text primary key references job (id),
      state text not null,
      at_ms bigint not null
    ) without rowid`,
    `insert into outbox select * from outbox_before order by job_id`,
    `drop table outbox_before`,
  ],
};

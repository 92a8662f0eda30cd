/**
 * Schema 5: one order over the events of all jobs, from which `events.watch` resumes; which job a job is a retry of; and
 * a tenant's assets by age.
 */
import type { Migration } from "./migration.ts";

export const eventOrderAndRetry: Migration = {
  version: 5,
  statements: [
    `alter table event add column seq bigint`,
    `alter table event add column tenant_id text`,
    `update event set seq = placed.seq, tenant_id = placed.tenant_id
      from (select e.job_id, e.ver, j.tenant_id, row_number() over (order by e.at_ms, e.job_id, e.ver) as seq
        from event e join job j on j.id = e.job_id) as placed
      where placed.job_id = event.job_id and placed.ver = event.ver`,
    // Unique: two writers that saw the same last event cannot both follow it.
    `create unique index event_seq on event (seq)`,
    `create index event_tenant on event (tenant_id, seq)`,
    // No number up to this one is given again: see `skipEventNumbers`.
    `create table event_floor (seq bigint not null)`,
    `insert into event_floor (seq) values (0)`,
    `alter table job add column retry_of text`,
    `create index asset_newest on asset (tenant_id, created_at_ms desc, id desc)`,
  ],
};

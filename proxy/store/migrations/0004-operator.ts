/** Schema 4: what operators say of pods (cordon, drain), and the audit of what they do. */
import type { Migration } from "./migration.ts";

export const operator: Migration = {
  version: 4,
  statements: [
    `alter table pod add column cordoned_at_ms bigint`,
    `alter table pod add column cordon_reason text not null default ''`,
    `alter table pod add column draining integer not null default 0`,
    `create index pod_cordoned on pod (id) where cordoned_at_ms is not null`,
    `create table audit (
      id text primary key,
      at_ms bigint not null,
      key_id text not null,
      tenant_id text not null,
      action text not null,
      target text,
      reason text,
      request_id text not null,
      outcome text
    )`,
    `create index audit_newest on audit (at_ms desc, id desc)`,
  ],
};

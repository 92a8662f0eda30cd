/** Schema 9: up to which number a tenant's events have been removed, so that a watcher from before it is told so. */
import type { Migration } from "./migration.ts";

export const eventRemoved: Migration = {
  version: 9,
  statements: [
    // What was removed before this schema is not known any more.
    `create table event_removed (
      tenant_id text primary key references tenant (id),
      seq bigint not null
    )`,
  ],
};

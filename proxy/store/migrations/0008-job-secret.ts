/** Schema 8: what a job came with that nobody is to read in the store. */
import type { Migration } from "./migration.ts";

export const jobSecret: Migration = {
  version: 8,
  statements: [
    // 1 for a job that came with a partner key, so that the others cost no look for one.
    `alter table job add column has_partner_key integer not null default 0`,
    // Sealed; gone when its job is final.
    `create table job_secret (
      job_id text primary key references job (id),
      sealed text not null
    )`,
  ],
};

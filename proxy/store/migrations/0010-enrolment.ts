/** Schema 10: pods that are enrolled and have not joined yet, and pods that are for development only. */
import type { Migration } from "./migration.ts";

export const enrolment: Migration = {
  version: 10,
  statements: [
    // 1 for a pod that gets no tenant's job, ever.
    `alter table pod add column dev integer not null default 0`,
    // Id of the key that was minted for it, at the control server; never the key.
    `alter table pod add column enrolled_key_id text`,
    `alter table pod add column enrolment_ends_at_ms bigint`,
    `create index pod_enrolled on pod (enrolment_ends_at_ms) where enrolment_ends_at_ms is not null`,
  ],
};

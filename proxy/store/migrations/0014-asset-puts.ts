/**
 * Schema 14: which asset was put last at a path, since bytes that come to a path again keep their row and the time at which
 * it was made. Of before, the newest row is the last.
 */
import type { Migration } from "./migration.ts";

export const assetPuts: Migration = {
  version: 14,
  statements: [
    // Counts up at each path of a tenant. No time: two puts may be of one millisecond, and a clock may be set back.
    `alter table asset add column put_no bigint not null default 0`,
    `update asset set put_no = created_at_ms`,
    `drop index asset_at_path`,
    `create index asset_at_path on asset (tenant_id, file_path, put_no desc, id desc)`,
  ],
};

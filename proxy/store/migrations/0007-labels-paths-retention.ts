/**
 * Schema 7: labels of jobs, which assets unfinished jobs use, paths and expiry of assets, keys of uploads, and what the
 * removal of old rows looks for. Assets of before do not expire, as nobody was told that they would.
 */
import { linkOldJobs } from "../old-jobs.ts";
import type { Migration } from "./migration.ts";

export const labelsPathsRetention: Migration = {
  version: 7,
  statements: [
    // JSON; null for a job without labels, as all jobs before this schema are.
    `alter table job add column metadata text`,
    // 1 while `job_asset` may have rows of it, so that the end of a job that never had any costs nothing more.
    `alter table job add column uses_assets integer not null default 0`,
    `create index job_ended on job (completed_at_ms) where completed_at_ms is not null`,
    `create index job_queued_of_tenant on job (tenant_id) where state = 'queued'`,
    `create table job_label (
      job_id text not null references job (id),
      key text not null,
      value text not null,
      tenant_id text not null,
      created_at_ms bigint not null,
      primary key (job_id, key)
    )`,
    `create index job_label_newest on job_label (tenant_id, key, value, created_at_ms desc, job_id desc)`,
    // What the graphs of unfinished jobs refer to.
    `create table job_asset (
      job_id text not null references job (id),
      asset_id text not null references asset (id),
      primary key (job_id, asset_id)
    )`,
    `create index job_asset_of_asset on job_asset (asset_id)`,
    // A name is a path of one segment.
    `alter table asset rename column file_name to file_path`,
    // The last job whose output it is, until that is removed.
    `alter table asset add column job_id text`,
    // Until when it is kept for itself: null for ever, 0 for an output that only its job keeps.
    `alter table asset add column expires_at_ms bigint`,
    `create index asset_of_job on asset (job_id) where job_id is not null`,
    `create index asset_expiry on asset (expires_at_ms) where expires_at_ms is not null and job_id is null`,
    `create index asset_at_path on asset (tenant_id, file_path, created_at_ms desc, id desc)`,
    `create index asset_of_blake3 on asset (tenant_id, blake3, created_at_ms desc, id desc) where blake3 is not null`,
    `create table upload_key (
      tenant_id text not null references tenant (id),
      key text not null,
      asset_id text not null,
      created_at_ms bigint not null,
      primary key (tenant_id, key)
    )`,
    `create index upload_key_age on upload_key (created_at_ms)`,
  ],
  also: linkOldJobs,
};

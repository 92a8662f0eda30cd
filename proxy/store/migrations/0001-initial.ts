/** Schema 1: tenants and keys, assets, jobs with their attempts, events and outbox, pods, roles. */
import type { Migration } from "./migration.ts";

export const initial: Migration = {
  version: 1,
  statements: [
    `create table tenant (
      id text primary key,
      name text not null,
      created_at_ms bigint not null
    )`,
    `create table api_key (
      id text primary key,
      tenant_id text not null references tenant (id),
      name text not null,
      scopes text not null,
      secret_sha256 text not null,
      created_at_ms bigint not null,
      revoked_at_ms bigint
    )`,
    `create index api_key_newest on api_key (created_at_ms desc, id desc)`,
    `create table asset (
      id text primary key,
      tenant_id text not null references tenant (id),
      file_name text not null,
      content_type text not null,
      size_bytes bigint not null,
      sha256 text not null,
      blake3 text,
      created_at_ms bigint not null,
      unique (tenant_id, sha256, file_name)
    )`,
    `create table placement (
      placement_key text primary key,
      needs text not null
    )`,
    // Everything a transition touches; the graph is kept apart, so that rewriting this row stays cheap.
    `create table job (
      id text primary key,
      tenant_id text not null references tenant (id),
      idem_space text,
      idem_key text,
      request_sha256 text not null,
      state text not null,
      ver bigint not null,
      band integer not null,
      placement_key text not null references placement (placement_key),
      attempt integer not null,
      losses integer not null,
      pod_id text,
      cancel_requested integer not null,
      created_at_ms bigint not null,
      started_at_ms bigint,
      completed_at_ms bigint,
      run_after_ms bigint not null,
      start_by_ms bigint,
      run_within_ms bigint not null,
      winner integer,
      outputs text not null,
      error text,
      receipt text,
      unique (tenant_id, idem_space, idem_key)
    )`,
    `create index job_queue on job (band, created_at_ms, id) where state = 'queued'`,
    `create index job_start_by on job (start_by_ms) where state = 'queued' and start_by_ms is not null`,
    `create index job_newest on job (tenant_id, created_at_ms desc, id desc)`,
    `create table job_spec (
      job_id text primary key references job (id),
      spec text not null
    )`,
    `create table attempt (
      id text primary key,
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
      unique (job_id, no)
    )`,
    // Unique: two live attempts of one job are impossible, whatever the code above does.
    `create unique index attempt_live_job on attempt (job_id) where state in ('offered', 'running')`,
    `create index attempt_live_pod on attempt (pod_id) where state in ('offered', 'running')`,
    `create table event (
      job_id text not null references job (id),
      ver bigint not null,
      state text not null,
      attempt integer not null,
      at_ms bigint not null,
      reason text,
      primary key (job_id, ver)
    )`,
    // The primary key makes a second terminal event an error that undoes its transaction.
    `create table outbox (
      job_id text primary key references job (id),
      state text not null,
      at_ms bigint not null
    )`,
    `create table pod (
      id text primary key,
      name text not null,
      transport_key text not null unique,
      phase text not null,
      boot_id text,
      edge_id text,
      epoch bigint not null,
      lease_until_ms bigint not null,
      slots_total integer not null,
      slots_busy integer not null,
      capability text,
      conditions text not null,
      created_at_ms bigint not null,
      last_seen_at_ms bigint
    )`,
    `create index pod_edge on pod (edge_id)`,
    `create table object_info (
      sha256 text primary key,
      body text not null,
      seen_at_ms bigint not null
    )`,
    `create table role (
      name text primary key,
      edge_id text,
      epoch bigint not null,
      until_ms bigint not null,
      up_since_ms bigint not null
    )`,
  ],
};

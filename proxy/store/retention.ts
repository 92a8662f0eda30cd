/** Removes what is kept no longer, a few rows a transaction, the oldest first. */
import { z } from "zod";
import { JobId, Sha256, TenantId } from "../../contracts/ids.ts";
import { deleteUnusedBytes } from "./asset-bytes.ts";
import type { Removed } from "./asset-store.ts";
import { noteRemoved } from "./event-transactions.ts";
import { all, clock, run, type Transaction } from "./transaction.ts";
import { UPLOAD_KEY_MS } from "./upload-transactions.ts";

/** How long a final job is kept unless told otherwise: 30 days. */
export const DEFAULT_JOB_RETENTION_MS = 30 * 86_400_000;

/** The newest event's number is what the next one follows and what watchers resume from: its job stays. */
const ENDED_JOBS = `select id from job where completed_at_ms <= $1
  and id <> coalesce((select job_id from event order by seq desc limit 1), '')
  order by completed_at_ms limit $2`;
const PARTS = ["job_label", "job_asset", "job_secret", "job_spec", "attempt", "event", "outbox"].map((table) =>
  `delete from ${table} where job_id = $1`
);
const FREE_OUTPUTS = `update asset set job_id = null where job_id = $1`;
const DELETE_JOB = `delete from job where id = $1`;

const DELETE_ASSETS = `delete from asset where id in (
  select a.id from asset a where a.expires_at_ms <= $1 and a.job_id is null
    and not exists (select 1 from job_asset u where u.asset_id = a.id)
  order by a.expires_at_ms limit $2) returning tenant_id as "tenantId", sha256 as "sha256"`;
const DELETE_KEYS = `delete from upload_key where (tenant_id, key) in (
  select tenant_id, key from upload_key where created_at_ms <= $1 order by created_at_ms limit $2) returning key`;

const AssetColumns = z.object({ tenantId: TenantId, sha256: Sha256 });

function* removeJob(id: JobId): Transaction<void> {
  yield* noteRemoved(id);
  for (const sql of [...PARTS, FREE_OUTPUTS, DELETE_JOB]) yield* run(sql, [id]);
}

/** @param limit of each kind */
export function* removeExpired(limit: number, jobRetentionMs: number): Transaction<Removed> {
  const nowMs = yield* clock();
  const jobs = yield* all(ENDED_JOBS, [nowMs - jobRetentionMs, limit], z.object({ id: JobId }));
  for (const { id } of jobs) yield* removeJob(id);
  const assets = yield* all(DELETE_ASSETS, [nowMs, limit], AssetColumns);
  for (const key of assets) yield* deleteUnusedBytes(key);
  const keys = yield* all(DELETE_KEYS, [nowMs - UPLOAD_KEY_MS, limit], z.object({ key: z.string() }));
  return { jobs: jobs.length, assets: assets.length, uploadKeys: keys.length };
}

/** What keeps an asset from being deleted: unfinished jobs that refer to it, and the job whose output it is. */
import { z } from "zod";
import { type AssetId, type JobId, Sha256, type TenantId } from "../../contracts/ids.ts";
import { deleteUnusedBytes } from "./asset-bytes.ts";
import { ASSET_COLUMNS, FROM_ASSETS, live, liveParams, type Retention } from "./asset-rows.ts";
import { all, clock, happened, listChunks, one, run, type Transaction } from "./transaction.ts";

const HELD = `select 1 as found from job_asset where asset_id = $1 limit 1`;
const FIND = `select ${ASSET_COLUMNS} ${FROM_ASSETS} where a.tenant_id = $1 and a.id = $2 and ${live(3)}`;
const DELETE = `delete from asset where id = $1`;

const IdColumns = z.object({ id: z.string() });
const OutputColumns = z.object({ sha256: Sha256, jobId: z.string().nullable(), jobEndedAtMs: z.int().nullable() });

/** Those of the ids that are no asset of the tenant's, or one that has expired. */
export function* missingAssets(
  tenantId: TenantId,
  ids: readonly string[],
  retention: Retention,
): Transaction<string[]> {
  const found = new Set<string>();
  for (const { placeholders, values } of listChunks(ids, 4)) {
    const sql = `select a.id as "id" ${FROM_ASSETS} where a.tenant_id = $1 and ${
      live(2)
    } and a.id in (${placeholders})`;
    for (const { id } of yield* all(sql, [tenantId, ...liveParams(retention), ...values], IdColumns)) found.add(id);
  }
  return ids.filter((id) => !found.has(id));
}

/** From now to the end of the job. */
export function* holdAssets(jobId: JobId, ids: readonly string[]): Transaction<void> {
  for (const { placeholders, values } of listChunks(ids, 2)) {
    yield* run(
      `insert into job_asset (job_id, asset_id) select $1, id from asset where id in (${placeholders})`,
      [jobId, ...values],
    );
  }
}

export function* deleteAsset(
  tenantId: TenantId,
  id: AssetId,
  jobRetentionMs: number,
): Transaction<"deleted" | "in_use" | "not_found"> {
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const params = liveParams(retention);
  const row = yield* one(FIND, [tenantId, id, ...params], OutputColumns);
  if (row === null) return "not_found";
  const keptByJob = row.jobId !== null && (row.jobEndedAtMs === null || row.jobEndedAtMs > params[1]);
  if (keptByJob || (yield* happened(HELD, [id]))) return "in_use";
  yield* run(DELETE, [id]);
  yield* deleteUnusedBytes({ tenantId, sha256: row.sha256 });
  return "deleted";
}

/** Asset rows as transactions. */
import { z } from "zod";
import type { Asset } from "../../contracts/asset.ts";
import { AssetId, type JobId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import { ASSET_COLUMNS, AssetColumns, assetOf, FROM_ASSETS, live, liveParams } from "./asset-rows.ts";
import { insertBytes } from "./asset-bytes.ts";
import type { NewAsset } from "./asset-store.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import { all, clock, happened, listChunks, one, type Transaction } from "./transaction.ts";

/** Its own time of an output: only its job keeps it. */
export const WITH_ITS_JOB = 0;

/**
 * The row that is there is kept for as long as either asked; a later job takes the place of an earlier one. New or not, it is
 * the last put at its path from now on, of the type that was said last; in the list it stays where it was.
 */
const INSERT_ASSET = `insert into asset
  (id, tenant_id, file_path, content_type, size_bytes, sha256, blake3, created_at_ms, job_id, expires_at_ms,
    put_no)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
    (select coalesce(max(put_no), 0) + 1 from asset where tenant_id = $2 and file_path = $3))
  on conflict (tenant_id, sha256, file_path) do update set
    put_no = excluded.put_no,
    content_type = excluded.content_type,
    blake3 = coalesce(asset.blake3, excluded.blake3),
    job_id = coalesce(excluded.job_id, asset.job_id),
    expires_at_ms = case
      when asset.expires_at_ms is null or excluded.expires_at_ms is null then null
      when asset.expires_at_ms > excluded.expires_at_ms then asset.expires_at_ms
      else excluded.expires_at_ms end
  returning id`;
const GET_ASSET = `select ${ASSET_COLUMNS} ${FROM_ASSETS} where a.tenant_id = $1 and a.id = $2 and ${live(3)}`;
const GET_OWNED = `select ${ASSET_COLUMNS}, a.tenant_id as "tenantId" ${FROM_ASSETS} where a.id = $1 and ${live(2)}`;
const LIST_ASSETS = `select ${ASSET_COLUMNS} ${FROM_ASSETS}
  where a.tenant_id = $1 and (a.created_at_ms, a.id) < ($2, $3) and ${live(5)}
  order by a.created_at_ms desc, a.id desc limit $4`;
/** One look into an index for each path, because a path may have any number of assets. */
const LAST_AT_PATHS = `select path as "path", (
  select a.id ${FROM_ASSETS} where a.tenant_id = $1 and a.file_path = path and ${live(2)}
  order by a.put_no desc, a.id desc limit 1) as "id" from wanted`;
const NEWEST_OF_BLAKE3 = `select ${ASSET_COLUMNS} ${FROM_ASSETS}
  where a.tenant_id = $1 and a.blake3 = $2 and ${live(3)} order by a.created_at_ms desc, a.id desc limit 1`;
const HAS_BYTES = `select 1 as found from asset where tenant_id = $1 and sha256 = $2 limit 1`;

const IdColumns = z.object({ id: AssetId });
const OwnedColumns = AssetColumns.extend({ tenantId: TenantId });
const PathColumns = z.object({ path: z.string(), id: AssetId.nullable() });

/** Inserts, or adds to the row of the same tenant, bytes and path. @returns the id of the row that holds them now */
export function* insertAsset(
  asset: NewAsset,
  kept: { jobId: JobId | null; expiresAtMs: number | null; nowMs: number },
): Transaction<{ id: AssetId; created: boolean }> {
  const { id, tenantId, filePath, contentType, sizeBytes, sha256, blake3, bytes } = asset;
  const params = [id, tenantId, filePath, contentType, sizeBytes, sha256, blake3, kept.nowMs];
  const row = yield* one(INSERT_ASSET, [...params, kept.jobId, kept.expiresAtMs], IdColumns);
  if (row === null) throw new Error(`Cannot store asset ${id}: the store has kept none`);
  if (bytes !== undefined) yield* insertBytes(asset, bytes);
  return { id: row.id, created: row.id === id };
}

export function* getAsset(tenantId: TenantId, id: AssetId, jobRetentionMs: number): Transaction<Asset | null> {
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const row = yield* one(GET_ASSET, [tenantId, id, ...liveParams(retention)], AssetColumns);
  return row && assetOf(row, retention);
}

export function* getOwnedAsset(
  id: AssetId,
  jobRetentionMs: number,
): Transaction<{ asset: Asset; tenantId: TenantId } | null> {
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const row = yield* one(GET_OWNED, [id, ...liveParams(retention)], OwnedColumns);
  return row && { asset: assetOf(row, retention), tenantId: row.tenantId };
}

export function* listAssets(
  tenantId: TenantId,
  page: PageRequest,
  jobRetentionMs: number,
): Transaction<Page<Asset>> {
  const start = pageStart(page, "newest_first");
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const params = [tenantId, start.createdAtMs, start.id, page.limit + 1, ...liveParams(retention)];
  const rows = yield* all(LIST_ASSETS, params, AssetColumns);
  const assets = rows.map((row) => assetOf(row, retention));
  return pageOfRows(assets, page.limit, ({ id, createdAt }) => ({ id, createdAtMs: Date.parse(createdAt) }));
}

export function* getAssets(
  tenantId: TenantId,
  ids: readonly string[],
  jobRetentionMs: number,
): Transaction<Asset[]> {
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const found: Asset[] = [];
  for (const { placeholders, values } of listChunks([...new Set(ids)], 2)) {
    const sql = `select ${ASSET_COLUMNS} ${FROM_ASSETS} where a.tenant_id = $1 and a.id in (${placeholders})`;
    const rows = yield* all(sql, [tenantId, ...values], AssetColumns);
    found.push(...rows.map((row) => assetOf(row, retention)));
  }
  return found;
}

export function* findByPaths(
  tenantId: TenantId,
  filePaths: readonly string[],
  jobRetentionMs: number,
): Transaction<Map<string, AssetId>> {
  const params = liveParams({ nowMs: yield* clock(), jobRetentionMs });
  const found = new Map<string, AssetId>();
  for (const { placeholders, values } of listChunks([...new Set(filePaths)], 4)) {
    const sql = `with wanted (path) as (values (${placeholders.replaceAll(", ", "), (")})) ${LAST_AT_PATHS}`;
    for (const { path, id } of yield* all(sql, [tenantId, ...params, ...values], PathColumns)) {
      if (id !== null) found.set(path, id);
    }
  }
  return found;
}

/** The newest asset that has these bytes. */
export function* findBlake3(tenantId: TenantId, blake3: string, jobRetentionMs: number): Transaction<Asset | null> {
  const retention = { nowMs: yield* clock(), jobRetentionMs };
  const row = yield* one(NEWEST_OF_BLAKE3, [tenantId, blake3, ...liveParams(retention)], AssetColumns);
  return row && assetOf(row, retention);
}

export function hasBytes(tenantId: TenantId, sha256: Sha256): Transaction<boolean> {
  return happened(HAS_BYTES, [tenantId, sha256]);
}

const HashColumns = z.object({ sha256: Sha256 });

export function* findHashes(tenantId: TenantId, hashes: readonly Sha256[]): Transaction<Sha256[]> {
  const found: Sha256[] = [];
  for (const { placeholders, values } of listChunks([...new Set(hashes)], 2)) {
    const sql = `select distinct sha256 from asset where tenant_id = $1 and sha256 in (${placeholders})`;
    found.push(...(yield* all(sql, [tenantId, ...values], HashColumns)).map((row) => row.sha256));
  }
  return found;
}

/** Asset rows as transactions. */
import { z } from "zod";
import { Asset } from "../../contracts/asset.ts";
import { type AssetId, Sha256, type TenantId, toTimestamp } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";
import type { NewAsset } from "./asset-store.ts";
import { pageOfRows, pageStart } from "./page-cursor.ts";
import { all, clock, happened, listChunks, one, type Transaction } from "./transaction.ts";

const ASSET_COLUMNS = `id, file_name as "fileName", content_type as "contentType", size_bytes as "sizeBytes", sha256,
  blake3, created_at_ms as "createdAtMs"`;

/** Names were judged when they came in; a row that a stricter build would refuse must still be readable. */
const AssetColumns = Asset.omit({ createdAt: true }).extend({ fileName: z.string(), createdAtMs: z.int() })
  .transform(({ createdAtMs, ...asset }): Asset => ({
    ...asset,
    filePath: asset.fileName,
    createdAt: toTimestamp(createdAtMs),
  }));

const INSERT_ASSET = `insert into asset
  (id, tenant_id, file_name, content_type, size_bytes, sha256, blake3, created_at_ms)
  values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict (tenant_id, sha256, file_name) do nothing returning id`;
const SAME_ASSET = `select ${ASSET_COLUMNS} from asset where tenant_id = $1 and sha256 = $2 and file_name = $3`;
const LIST_ASSETS = `select ${ASSET_COLUMNS} from asset where tenant_id = $1 and (created_at_ms, id) < ($2, $3)
  order by created_at_ms desc, id desc limit $4`;
const GET_ASSET = `select ${ASSET_COLUMNS} from asset where tenant_id = $1 and id = $2`;

/** Inserts, or finds the row of the same tenant, bytes and name. */
export function* insertAsset(asset: NewAsset, nowMs: number): Transaction<{ asset: Asset; created: boolean }> {
  const { tenantId, ...rest } = asset;
  const { id, fileName, contentType, sizeBytes, sha256, blake3 } = rest;
  const params = [id, tenantId, fileName, contentType, sizeBytes, sha256, blake3, nowMs];
  if (yield* happened(INSERT_ASSET, params)) {
    const asset = { ...rest, filePath: fileName, createdAt: toTimestamp(nowMs), jobId: null, expiresAt: null };
    return { asset, created: true };
  }
  const same = yield* one(SAME_ASSET, [tenantId, sha256, fileName], AssetColumns);
  if (same === null) throw new Error(`Cannot store asset ${id}: its id is taken`);
  return { asset: same, created: false };
}

export function* createAsset(asset: NewAsset): Transaction<{ asset: Asset; created: boolean }> {
  return yield* insertAsset(asset, yield* clock());
}

export function getAsset(tenantId: TenantId, id: AssetId): Transaction<Asset | null> {
  return one(GET_ASSET, [tenantId, id], AssetColumns);
}

export function* listAssets(tenantId: TenantId, page: PageRequest): Transaction<Page<Asset>> {
  const start = pageStart(page, "newest_first");
  const rows = yield* all(LIST_ASSETS, [tenantId, start.createdAtMs, start.id, page.limit + 1], AssetColumns);
  return pageOfRows(rows, page.limit, ({ id, createdAt }) => ({ id, createdAtMs: Date.parse(createdAt) }));
}

export function* getAssets(tenantId: TenantId, ids: readonly string[]): Transaction<Asset[]> {
  const found: Asset[] = [];
  for (const { placeholders, values } of listChunks([...new Set(ids)], 2)) {
    const sql = `select ${ASSET_COLUMNS} from asset where tenant_id = $1 and id in (${placeholders})`;
    found.push(...yield* all(sql, [tenantId, ...values], AssetColumns));
  }
  return found;
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

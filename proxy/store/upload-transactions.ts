/** Uploaded assets: with their keys, and over bytes that are there already. */
import { z } from "zod";
import type { Asset } from "../../contracts/asset.ts";
import { AssetId, type TenantId } from "../../contracts/ids.ts";
import type { CreatedAsset, FromHash, NewUpload, UploadOutcome } from "./asset-store.ts";
import { findBlake3, getAsset, hasBytes, insertAsset } from "./asset-transactions.ts";
import { clock, one, run, type Transaction } from "./transaction.ts";

/** How long the key of an upload is taken. */
export const UPLOAD_KEY_MS = 86_400_000;

const FIND_KEY =
  `select asset_id as "assetId" from upload_key where tenant_id = $1 and key = $2 and created_at_ms > $3`;
const PUT_KEY = `insert into upload_key (tenant_id, key, asset_id, created_at_ms) values ($1, $2, $3, $4)
  on conflict (tenant_id, key) do update set asset_id = excluded.asset_id, created_at_ms = excluded.created_at_ms`;

const KeyColumns = z.object({ assetId: AssetId });

export function* findUpload(tenantId: TenantId, key: string): Transaction<AssetId | null> {
  const nowMs = yield* clock();
  return (yield* one(FIND_KEY, [tenantId, key, nowMs - UPLOAD_KEY_MS], KeyColumns))?.assetId ?? null;
}

function* requireRow(tenantId: TenantId, id: AssetId, jobRetentionMs: number): Transaction<Asset> {
  const asset = yield* getAsset(tenantId, id, jobRetentionMs);
  if (asset !== null) return asset;
  throw new Error(`Cannot store asset ${id}: it was to expire at once`);
}

export function* createAsset(upload: NewUpload, jobRetentionMs: number): Transaction<CreatedAsset> {
  const { tenantId, sha256, expiresInMs = null } = upload;
  const nowMs = yield* clock();
  const newBytes = !(yield* hasBytes(tenantId, sha256));
  const expiresAtMs = expiresInMs === null ? null : nowMs + expiresInMs;
  const { id, created } = yield* insertAsset(upload, { jobId: null, expiresAtMs, nowMs });
  return { asset: yield* requireRow(tenantId, id, jobRetentionMs), created, newBytes };
}

export function* createAssetOnce(
  upload: NewUpload,
  { key, replay }: { key: string; replay: boolean },
  jobRetentionMs: number,
): Transaction<UploadOutcome> {
  const { tenantId, sha256, filePath } = upload;
  const earlier = yield* findUpload(tenantId, key);
  if (earlier === null) {
    const created = yield* createAsset(upload, jobRetentionMs);
    yield* run(PUT_KEY, [tenantId, key, created.asset.id, yield* clock()]);
    return { ...created, status: "stored", replayed: false };
  }
  const asset = replay ? yield* getAsset(tenantId, earlier, jobRetentionMs) : null;
  if (asset?.sha256 !== sha256 || asset.filePath !== filePath) return { status: "key_reused" };
  return { status: "stored", asset, created: false, newBytes: false, replayed: true };
}

export function* assetFromHash(
  { id, tenantId, blake3, filePath, expiresInMs }: FromHash,
  jobRetentionMs: number,
): Transaction<{ asset: Asset; created: boolean } | null> {
  const source = yield* findBlake3(tenantId, blake3, jobRetentionMs);
  if (source === null) return null;
  const nowMs = yield* clock();
  const { contentType, sizeBytes, sha256 } = source;
  const row = yield* insertAsset(
    { id, tenantId, filePath: filePath ?? source.filePath, contentType, sizeBytes, sha256, blake3 },
    { jobId: null, expiresAtMs: expiresInMs === null ? null : nowMs + expiresInMs, nowMs },
  );
  return { asset: yield* requireRow(tenantId, row.id, jobRetentionMs), created: row.created };
}

/** Rows of assets, and the bytes of small ones; those of all others live in the blob store (`assets/`). */
import type { Asset } from "../../contracts/asset.ts";
import type { AssetId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";

export interface NewAsset {
  id: AssetId;
  tenantId: TenantId;
  /** See `FilePath`. */
  filePath: string;
  contentType: string;
  sizeBytes: number;
  sha256: Sha256;
  blake3: string | null;
  /** Few bytes that are stored with the row. Absent: they are in the blob store. */
  bytes?: Uint8Array<ArrayBuffer>;
}

/** Of an asset that no job makes. */
export interface NewUpload extends NewAsset {
  /** Null or absent: it does not expire. */
  expiresInMs?: number | null;
}

/** See `StoredAsset`. */
export interface CreatedAsset {
  asset: Asset;
  created: boolean;
  newBytes: boolean;
}

/** `key_reused`: the key was used, and not for the same bytes and path with leave to repeat it. */
export type UploadOutcome = (CreatedAsset & { status: "stored"; replayed: boolean }) | { status: "key_reused" };

export interface FromHash {
  /** Of the new row, where one is needed. */
  id: AssetId;
  tenantId: TenantId;
  blake3: string;
  /** Null: that of the newest asset with these bytes. */
  filePath: string | null;
  expiresInMs: number | null;
}

/** How many rows a round has removed. */
export interface Removed {
  jobs: number;
  assets: number;
  uploadKeys: number;
}

/**
 * What has expired is not found, though its row may be there for a while. An asset that a job made is kept as long as the
 * last such job, and as long as whoever uploaded it asked for.
 */
export interface AssetStore {
  /** De-duplicated by (tenant, sha256, filePath): answers with the row that is there, which then expires at the later time. */
  createAsset(asset: NewUpload): Promise<CreatedAsset>;
  /** The same, once per key: see `UploadRequest`. */
  createAssetOnce(asset: NewUpload, idempotency: { key: string; replay: boolean }): Promise<UploadOutcome>;
  /** The asset that came with this key within 24 h. Asked before bytes are read. */
  findUpload(tenantId: TenantId, key: string): Promise<AssetId | null>;
  /** A row over bytes that the tenant has; null where it has none. */
  assetFromHash(input: FromHash): Promise<{ asset: Asset; created: boolean } | null>;
  /** Whether the tenant has an asset with these bytes. */
  hasBlake3(tenantId: TenantId, blake3: string): Promise<boolean>;
  /** Null for an unknown id and for another tenant's. */
  getAsset(tenantId: TenantId, id: AssetId): Promise<Asset | null>;
  /** The same of whichever tenant, with its owner. */
  getOwnedAsset(id: AssetId): Promise<{ asset: Asset; tenantId: TenantId } | null>;
  /** The tenant's, uploaded and rendered, newest first. */
  listAssets(tenantId: TenantId, page: PageRequest): Promise<Page<Asset>>;
  /** Those of the ids that exist and are the tenant's, also when they have expired: what a job uses is there. */
  getAssets(tenantId: TenantId, ids: readonly string[]): Promise<Asset[]>;
  /** The last that was put at each of the paths: made there, or stored there again. */
  findByPaths(tenantId: TenantId, filePaths: readonly string[]): Promise<Map<string, AssetId>>;
  /** Of an asset that came with its bytes; null where they are in the blob store, or nowhere. */
  getAssetBytes(tenantId: TenantId, sha256: Sha256): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Those of the hashes that an asset of the tenant has. */
  findHashes(tenantId: TenantId, hashes: readonly Sha256[]): Promise<Sha256[]>;
  /** `in_use`: an unfinished job's graph refers to it, or it is an output of a job that is kept. */
  deleteAsset(tenantId: TenantId, id: AssetId): Promise<"deleted" | "in_use" | "not_found">;
  /**
   * Removes final jobs past their retention with their rows, expired assets that nothing uses, and used-up upload keys, at
   * most `limit` of each, the oldest first. The job of the newest event stays, so that no event's number comes twice.
   */
  removeExpired(limit: number): Promise<Removed>;
}

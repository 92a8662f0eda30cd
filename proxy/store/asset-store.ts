/** Rows of assets; the bytes live in the blob store (`assets/`). */
import type { Asset } from "../../contracts/asset.ts";
import type { AssetId, Sha256, TenantId } from "../../contracts/ids.ts";
import type { Page, PageRequest } from "../../contracts/page.ts";

export interface NewAsset {
  id: AssetId;
  tenantId: TenantId;
  fileName: string;
  contentType: string;
  sizeBytes: number;
  sha256: Sha256;
  blake3: string | null;
}

export interface AssetStore {
  /** De-duplicated by (tenant, sha256, fileName): answers with the row that is there when there is one. */
  createAsset(asset: NewAsset): Promise<{ asset: Asset; created: boolean }>;
  /** Null for an unknown id and for another tenant's. */
  getAsset(tenantId: TenantId, id: AssetId): Promise<Asset | null>;
  /** The tenant's, uploaded and rendered, newest first. */
  listAssets(tenantId: TenantId, page: PageRequest): Promise<Page<Asset>>;
  /** Those of the ids that exist and are the tenant's. */
  getAssets(tenantId: TenantId, ids: readonly string[]): Promise<Asset[]>;
  /** Those of the hashes that an asset of the tenant has. */
  findHashes(tenantId: TenantId, hashes: readonly Sha256[]): Promise<Sha256[]>;
}

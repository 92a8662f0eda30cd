/** Assets as callers meet them, rows and bytes, only of the caller's tenant. */
import { typeid } from "typeid-js";
import type { Asset } from "../../contracts/asset.ts";
import { FleetError } from "../../contracts/errors.ts";
import { AssetId, type TenantId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { AssetStore } from "../store/asset-store.ts";
import { blobNotFound } from "./blob-not-found.ts";
import { answerDownload } from "./download.ts";
import { parseFilePath } from "./file-path.ts";
import type { Assets, BlobStore } from "./port.ts";
import { createUpload } from "./upload.ts";

export interface AssetsOptions {
  store: Omit<AssetStore, "getAssets" | "getAssetBytes" | "findHashes" | "removeExpired">;
  blobs: BlobStore;
  /** Largest upload, bytes. */
  maxUploadBytes: number;
}

/** The same answer for an id that is none, an unknown one, another tenant's and one that has expired. */
function notFound(): FleetError {
  return new FleetError("not_found", "Cannot find this asset: your tenant has none with this id", {
    hint: "Check the id; assets belong to the tenant that uploaded or rendered them, and some expire.",
  });
}

function inUse(): FleetError {
  return new FleetError("asset_in_use", "Cannot delete this asset: jobs still depend on it", {
    hint: "Wait for the jobs that use it to end; an output goes with its job.",
  });
}

export function createAssets({ store, blobs, maxUploadBytes }: AssetsOptions): Assets {
  async function requireAsset(tenantId: TenantId, assetId: string): Promise<Asset> {
    const id = AssetId.safeParse(assetId);
    const asset = id.success ? await store.getAsset(tenantId, id.data) : null;
    if (asset !== null) return asset;
    throw notFound();
  }

  /** @throws FleetError `not_found` */
  async function requireSigned(signedFor: AssetId, assetId: string): Promise<{ asset: Asset; tenantId: TenantId }> {
    const owned = signedFor === assetId ? await store.getOwnedAsset(signedFor) : null;
    if (owned !== null) return owned;
    throw notFound();
  }

  async function ownAsset(caller: Caller, assetId: string): Promise<{ asset: Asset; tenantId: TenantId }> {
    return { asset: await requireAsset(caller.tenantId, assetId), tenantId: caller.tenantId };
  }

  return {
    get: ({ tenantId }, assetId) => requireAsset(tenantId, assetId),
    list: ({ tenantId }, page) => store.listAssets(tenantId, page),
    async delete({ tenantId }, assetId) {
      const outcome = await store.deleteAsset(tenantId, assetId);
      if (outcome === "not_found") throw notFound();
      if (outcome === "in_use") throw inUse();
    },
    upload: createUpload({ store, blobs, maxBytes: maxUploadBytes }),
    async fromHash({ tenantId }, { blake3, filePath, expiresInMs }) {
      const stored = await store.assetFromHash({
        id: typeid("asset").toString(),
        tenantId,
        blake3,
        filePath: filePath === undefined ? null : parseFilePath(filePath),
        expiresInMs,
      });
      if (stored !== null) return stored;
      throw blobNotFound();
    },
    hasBlake3: ({ tenantId }, blake3) => store.hasBlake3(tenantId, blake3),
    async download(who, assetId, request) {
      const { asset, tenantId } = "signedFor" in who
        ? await requireSigned(who.signedFor, assetId)
        : await ownAsset(who, assetId);
      return await answerDownload({ asset, tenantId, blobs }, request);
    },
    findByPaths: ({ tenantId }, filePaths) => store.findByPaths(tenantId, filePaths),
  };
}

/** Assets as callers meet them: metadata for the router, bytes for the HTTP routes, both only of the caller's tenant. */
import type { Asset } from "../../contracts/asset.ts";
import type { AssetsPort } from "../../contracts/edge/ports.ts";
import { FleetError } from "../../contracts/errors.ts";
import { AssetId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";
import type { AssetStore } from "../store/asset-store.ts";
import { answerDownload } from "./download.ts";
import type { AssetBytes, BlobStore } from "./port.ts";
import { createUpload } from "./upload.ts";

type Rows = Pick<AssetStore, "createAsset" | "getAsset" | "listAssets">;

export interface AssetsOptions {
  store: Rows;
  blobs: BlobStore;
  /** Largest upload, bytes. */
  maxUploadBytes: number;
}

/** The same answer for an id that is none, an unknown one and another tenant's. */
async function requireAsset(store: Pick<Rows, "getAsset">, caller: Caller, assetId: string): Promise<Asset> {
  const id = AssetId.safeParse(assetId);
  const asset = id.success ? await store.getAsset(caller.tenantId, id.data) : null;
  if (asset !== null) return asset;
  throw new FleetError("not_found", "Cannot find this asset: your tenant has none with this id", {
    hint: "Check the id; assets belong to the tenant that uploaded or rendered them.",
  });
}

export function createAssetsPort(store: Pick<Rows, "getAsset" | "listAssets">): AssetsPort {
  return {
    get: (caller, assetId) => requireAsset(store, caller, assetId),
    list: ({ tenantId }, page) => store.listAssets(tenantId, page),
  };
}

export function createAssetBytes({ store, blobs, maxUploadBytes }: AssetsOptions): AssetBytes {
  return {
    upload: createUpload({ store, blobs, maxBytes: maxUploadBytes }),
    async download(caller, assetId, request) {
      const asset = await requireAsset(store, caller, assetId);
      return await answerDownload({ asset, tenantId: caller.tenantId, blobs }, request);
    },
  };
}

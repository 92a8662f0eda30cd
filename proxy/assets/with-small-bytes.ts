/** The blob store, with the bytes of small outputs, which are in the store beside their rows, before those in it. */
import type { AssetStore } from "../store/asset-store.ts";
import type { BlobStore } from "./port.ts";

/**
 * Only reading knows of them. Whoever asks whether bytes are there, to write a row for them, is told no: they go with the
 * rows that have them, and would be gone with the last of these.
 */
export function withSmallBytes(blobs: BlobStore, store: Pick<AssetStore, "getAssetBytes">): BlobStore {
  return {
    ...blobs,
    async open(tenantId, sha256, range) {
      const bytes = await store.getAssetBytes(tenantId, sha256);
      if (bytes === null) return await blobs.open(tenantId, sha256, range);
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
      return { body: new Blob([part]).stream(), sizeBytes: bytes.byteLength };
    },
    async read(tenantId, sha256) {
      return await store.getAssetBytes(tenantId, sha256) ?? await blobs.read(tenantId, sha256);
    },
  };
}

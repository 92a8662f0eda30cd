/** The blob store's port over a map. */
import { createHash } from "node:crypto";
import { FleetError } from "../../contracts/errors.ts";
import type { BlobStore } from "../../proxy/assets/port.ts";

export interface MemoryBlobs extends BlobStore {
  /** By tenant and hash. */
  readonly blobs: Map<string, Uint8Array>;
  /** The next `put`s reject with it while set. */
  broken: FleetError | Error | null;
}

export function createMemoryBlobs(): MemoryBlobs {
  const blobs = new Map<string, Uint8Array>();
  const store: MemoryBlobs = {
    blobs,
    broken: null,
    async put(tenantId, body, { expected, maxBytes }) {
      if (store.broken) throw store.broken;
      const chunks: Uint8Array[] = [];
      try {
        for await (const chunk of body) chunks.push(chunk);
      } catch (cause) {
        throw new FleetError("upload_interrupted", "Cannot store the bytes: they stopped coming", { cause });
      }
      const bytes = new Uint8Array(Buffer.concat(chunks));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      if (bytes.byteLength > maxBytes) throw new FleetError("payload_too_large", "Cannot store the bytes: too many");
      const isOther = expected && (expected.sha256 !== sha256 || (expected.sizeBytes ?? bytes.length) !== bytes.length);
      if (isOther) throw new FleetError("hash_mismatch", "Cannot store: other bytes");
      blobs.set(`${tenantId} ${sha256}`, bytes);
      return { sha256, blake3: null, sizeBytes: bytes.byteLength };
    },
    open(tenantId, sha256) {
      const bytes = blobs.get(`${tenantId} ${sha256}`);
      if (!bytes) return Promise.resolve(null);
      const body = new Blob([bytes.slice()]).stream();
      return Promise.resolve({ body, sizeBytes: bytes.byteLength });
    },
    read: (tenantId, sha256) => Promise.resolve(blobs.get(`${tenantId} ${sha256}`)?.slice() ?? null),
    touch: (tenantId, sha256) => Promise.resolve(blobs.get(`${tenantId} ${sha256}`)?.byteLength ?? null),
    // Nothing here grows old.
    async *listOlder() {},
    delete: () => Promise.resolve(false),
  };
  return store;
}

/** Where asset bytes are kept: a folder by default, S3-compatible storage later. Write-once, addressed by hash. */
import type { Asset } from "../../contracts/asset.ts";
import type { Sha256, TenantId } from "../../contracts/ids.ts";
import type { Caller } from "../../contracts/tenant.ts";

export interface StoredBlob {
  sha256: Sha256;
  blake3: string | null;
  sizeBytes: number;
}

export interface BlobKey {
  tenantId: TenantId;
  sha256: Sha256;
}

export interface BlobStore {
  /**
   * Streams to a temporary file, hashes, fsyncs, renames. Nothing is kept when it rejects.
   * @throws FleetError `payload_too_large`, `hash_mismatch` (against `expected`), `upload_interrupted`.
   */
  put(
    tenantId: TenantId,
    body: ReadableStream<Uint8Array>,
    options: {
      maxBytes: number;
      expected?: { sha256: Sha256; sizeBytes?: number };
      blake3: boolean;
      signal: AbortSignal;
    },
  ): Promise<StoredBlob>;
  /** Null when there are no such bytes. `range` is inclusive at both ends, as in HTTP. */
  open(
    tenantId: TenantId,
    sha256: Sha256,
    range?: { start: number; end: number },
  ): Promise<{ body: ReadableStream<Uint8Array>; sizeBytes: number } | null>;
  /** All of the bytes in one piece, for blobs that are known to be small. Null when there are no such bytes. */
  read(tenantId: TenantId, sha256: Sha256): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Size of the stored bytes, null when there are none. Counts as a use: `delete` spares them for as long as new ones. */
  touch(tenantId: TenantId, sha256: Sha256): Promise<number | null>;
  /** Blobs neither stored nor touched since this time in epoch ms, one tenant after the other. */
  listOlder(beforeMs: number): AsyncIterable<BlobKey>;
  /** False when there are none, or when they were stored anew or touched since this time. */
  delete(tenantId: TenantId, sha256: Sha256, beforeMs: number): Promise<boolean>;
}

/** Asset bytes over HTTP, as the routes need them. */
export interface AssetBytes {
  upload(
    caller: Caller,
    request: {
      fileName: string;
      contentType: string | null;
      contentLength: string | null;
      expectedSha256: Sha256 | null;
      body: ReadableStream<Uint8Array> | null;
      signal: AbortSignal;
    },
  ): Promise<{ asset: Asset; created: boolean }>;
  /** Answers Range, If-None-Match and HEAD; `not_found` for another tenant's and for ids that are none. */
  download(caller: Caller, assetId: string, request: Request): Promise<Response>;
}

/** Where asset bytes are kept: a folder by default, S3-compatible storage later. Write-once, addressed by hash. */
import type { Asset } from "../../contracts/asset.ts";
import type { AssetsPort } from "../../contracts/edge/ports.ts";
import type { AssetId, Sha256, TenantId } from "../../contracts/ids.ts";
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
      /** What is known of the bytes; a BLAKE3 only together with `blake3`. */
      expected?: { sha256?: Sha256 | undefined; blake3?: string | undefined; sizeBytes?: number };
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

export interface UploadRequest {
  /** See `FilePath`. */
  filePath: string;
  /** As the caller declares it; the name decides where that says nothing. */
  contentType: string | null;
  /** As the header says it, so that too large a file is refused before it is read; null where nobody knows. */
  contentLength: string | null;
  /** Lowercase hex; other bytes are `hash_mismatch`, and nothing is kept. */
  expected: { sha256?: Sha256 | undefined; blake3?: string | undefined };
  /** Null: it does not expire. */
  expiresInMs: number | null;
  /**
   * A key of the caller's, free again after 24 h, or at once when its upload made no asset. Used again it is
   * `idempotency_key_reuse`; with `replay` the same bytes at the same path get the first asset.
   */
  idempotency: { key: string; replay: boolean } | null;
  /** Null for no bytes. */
  body: ReadableStream<Uint8Array> | null;
  signal: AbortSignal;
}

export interface StoredAsset {
  asset: Asset;
  /** False: the tenant had the same bytes at the same path. It expires at the later of both times. */
  created: boolean;
  /** Whether the tenant had no asset with these bytes before. */
  newBytes: boolean;
  /** Whether the idempotency key was used before, for these bytes. */
  replayed: boolean;
}

/**
 * Assets with their bytes, as the routes need them. An id that is none, an unknown one, another tenant's and one that has
 * expired get the same `not_found`.
 */
export interface Assets extends AssetsPort {
  /**
   * @throws FleetError `invalid_input` (a path that is none), `payload_too_large`, `hash_mismatch`, `upload_interrupted`,
   * `idempotency_key_reuse`
   */
  upload(caller: Caller, request: UploadRequest): Promise<StoredAsset>;
  /**
   * An asset over bytes that the tenant has uploaded before; `filePath` defaults to that of the newest asset that has them.
   * @throws FleetError `blob_not_found`, `invalid_input` (a path that is none)
   */
  fromHash(
    caller: Caller,
    request: { blake3: string; filePath?: string | undefined; expiresInMs: number | null },
  ): Promise<{ asset: Asset; created: boolean }>;
  /** Whether {@link Assets.fromHash} would find the bytes. */
  hasBlake3(caller: Caller, blake3: string): Promise<boolean>;
  /**
   * Answers Range, If-None-Match and HEAD.
   * @param caller whose asset it must be; `signedFor` where a signature that names this asset was checked
   */
  download(caller: Caller | { signedFor: AssetId }, assetId: string, request: Request): Promise<Response>;
  /** The newest asset at each of the paths that the tenant has one at. */
  findByPaths(caller: Caller, filePaths: readonly string[]): Promise<Map<string, AssetId>>;
}

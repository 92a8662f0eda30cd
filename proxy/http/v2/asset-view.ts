/** An asset as the Comfy API v2 shows it. */
import type { Asset } from "../../../contracts/asset.ts";
import { uuidOf } from "../../../contracts/ids.ts";
import type { ContentLinks } from "./links.ts";

const BLAKE3 = /^blake3:([0-9a-f]{64})$/i;

/** The bare lower-case hex of `blake3:HEX`, or null for anything else. */
export function blake3Of(text: string): string | null {
  return BLAKE3.exec(text)?.[1]?.toLowerCase() ?? null;
}

/** `job_id` is left out for an upload, which no job made. */
export function assetView(asset: Asset, links: ContentLinks) {
  return {
    id: uuidOf(asset.id),
    hash: asset.blake3 === null ? null : `blake3:${asset.blake3}`,
    size_bytes: asset.sizeBytes,
    content_type: asset.contentType,
    file_path: asset.filePath,
    created_at: asset.createdAt,
    ...links(asset.id, asset.expiresAt),
    expires_at: asset.expiresAt,
    ...(asset.jobId === null ? {} : { job_id: uuidOf(asset.jobId) }),
  };
}

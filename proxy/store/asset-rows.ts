/** Columns and rows of assets, and until when each is kept. */
import { z } from "zod";
import { Asset, fileNameOf } from "../../contracts/asset.ts";
import { JobId, toTimestamp } from "../../contracts/ids.ts";

/** When it is, and how long final jobs are kept. */
export interface Retention {
  nowMs: number;
  jobRetentionMs: number;
}

/** The asset is `a`; the last job whose output it is, `j`. */
export const FROM_ASSETS = `from asset a left join job j on j.id = a.job_id`;

export const ASSET_COLUMNS = `a.id as "id", a.file_path as "filePath", a.content_type as "contentType",
  a.size_bytes as "sizeBytes", a.sha256 as "sha256", a.blake3 as "blake3", a.created_at_ms as "createdAtMs",
  j.id as "jobId", a.expires_at_ms as "ownExpiresAtMs", j.completed_at_ms as "jobEndedAtMs"`;

/** What has not expired; its two parameters, numbered from `first`, are {@link liveParams}. */
export function live(first: number): string {
  return `(a.expires_at_ms is null or a.expires_at_ms > $${first}
    or (j.id is not null and (j.completed_at_ms is null or j.completed_at_ms > $${first + 1})))`;
}

export function liveParams({ nowMs, jobRetentionMs }: Retention): [nowMs: number, keptSinceMs: number] {
  return [nowMs, nowMs - jobRetentionMs];
}

/** Names were judged when they came in; a row that a stricter build would refuse must still be readable. */
export const AssetColumns = Asset.omit({ createdAt: true, fileName: true, expiresAt: true }).extend({
  filePath: z.string(),
  createdAtMs: z.int(),
  jobId: JobId.nullable(),
  ownExpiresAtMs: z.int().nullable(),
  jobEndedAtMs: z.int().nullable(),
});
type Row = z.output<typeof AssetColumns>;

/** The later of its own time and that of the job which keeps it; null when it has no end. */
function expiresAtMs({ jobId, ownExpiresAtMs, jobEndedAtMs }: Row, { nowMs, jobRetentionMs }: Retention) {
  if (ownExpiresAtMs === null || jobId === null) return ownExpiresAtMs;
  return Math.max(ownExpiresAtMs, (jobEndedAtMs ?? nowMs) + jobRetentionMs);
}

/** The row as it is at that time. */
export function assetOf(row: Row, retention: Retention): Asset {
  const { id, filePath, contentType, sizeBytes, sha256, blake3, createdAtMs, jobId } = row;
  const untilMs = expiresAtMs(row, retention);
  return {
    ...{ id, filePath, contentType, sizeBytes, sha256, blake3, jobId },
    fileName: fileNameOf(filePath),
    createdAt: toTimestamp(createdAtMs),
    expiresAt: untilMs === null ? null : toTimestamp(untilMs),
  };
}

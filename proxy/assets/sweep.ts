/**
 * Removes stored bytes that no row refers to: an upload whose row was never written, outputs of an attempt that came too
 * late. Only bytes that nobody has touched for an hour, so that whoever stores bytes has that long to write the row.
 */
import type { Sha256, TenantId } from "../../contracts/ids.ts";
import type { Clock } from "../time/clock.ts";
import type { AssetStore } from "../store/asset-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { BlobKey, BlobStore } from "./port.ts";

/** Between two sweeps, and the least age of what they remove. */
const SWEEP_EVERY_MS = 3_600_000;
const MIN_AGE_MS = 3_600_000;
/** Blobs whose rows are looked up at once. */
const BATCH = 256;

export interface SweepDeps {
  store: Pick<AssetStore, "findHashes">;
  blobs: Pick<BlobStore, "listOlder" | "delete">;
  clock: Clock;
  logger: Logger;
}

async function removeUnknown(
  { store, blobs }: SweepDeps,
  batch: { tenantId: TenantId; hashes: readonly Sha256[]; beforeMs: number },
): Promise<number> {
  const { tenantId, hashes, beforeMs } = batch;
  const known = new Set(await store.findHashes(tenantId, hashes));
  let removed = 0;
  for (const sha256 of hashes) {
    if (!known.has(sha256) && await blobs.delete(tenantId, sha256, beforeMs)) removed += 1;
  }
  return removed;
}

/** Consecutive keys of one tenant, at most {@link BATCH} at once. */
async function* batchesOf(keys: AsyncIterable<BlobKey>): AsyncGenerator<{ tenantId: TenantId; hashes: Sha256[] }> {
  let batch: { tenantId: TenantId; hashes: Sha256[] } | null = null;
  for await (const { tenantId, sha256 } of keys) {
    if (batch && (batch.tenantId !== tenantId || batch.hashes.length >= BATCH)) {
      yield batch;
      batch = null;
    }
    batch ??= { tenantId, hashes: [] };
    batch.hashes.push(sha256);
  }
  if (batch) yield batch;
}

/** One sweep. @returns how many blobs it removed @throws what the stores throw */
export async function sweepBlobs(deps: SweepDeps, signal: AbortSignal): Promise<number> {
  const beforeMs = deps.clock.nowMs() - MIN_AGE_MS;
  let removed = 0;
  for await (const batch of batchesOf(deps.blobs.listOlder(beforeMs))) {
    if (signal.aborted) break;
    removed += await removeUnknown(deps, { ...batch, beforeMs });
  }
  return removed;
}

/** Sweeps at once and every hour. Resolves when the signal aborts; never rejects. */
export async function keepSweeping(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  while (!signal.aborted) {
    try {
      const removed = await sweepBlobs(deps, signal);
      if (removed > 0) logger.info("stored bytes without an asset removed", { blobs: removed });
    } catch (error) {
      if (!signal.aborted) logger.error("sweep of stored bytes failed", { error });
    }
    await clock.sleep(SWEEP_EVERY_MS, signal);
  }
}

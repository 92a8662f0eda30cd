/**
 * Small files that were written or read a moment ago, because whoever waits for them asks next: a run's picture is hashed,
 * sent and stored within milliseconds. By a key that never means other bytes.
 */

export interface RecentBytes {
  /** Files of up to so many bytes are kept. */
  readonly maxFileBytes: number;
  /** Kept until others push it out; larger ones are not. The bytes are the cache's from then on, and nobody's to change. */
  keep(key: string, bytes: Uint8Array<ArrayBuffer>): void;
  get(key: string): Uint8Array<ArrayBuffer> | null;
  drop(key: string): void;
}

/** Counted for each beside its bytes: its key and the objects around them. Without it tiny files would fill the memory. */
export const ENTRY_BYTES = 512;

export function createRecentBytes(
  { maxFileBytes = 256 * 1024, maxBytes = 4 * 1024 * 1024 }: {
    maxFileBytes?: number;
    /** With {@link ENTRY_BYTES} for each. */
    maxBytes?: number;
  } = {},
): RecentBytes {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  let sizeBytes = 0;

  function drop(key: string): void {
    const bytes = kept.get(key);
    if (bytes === undefined) return;
    sizeBytes -= ENTRY_BYTES + bytes.byteLength;
    kept.delete(key);
  }

  return {
    maxFileBytes,
    keep(key, bytes) {
      if (bytes.byteLength > maxFileBytes) return;
      drop(key);
      kept.set(key, bytes);
      sizeBytes += ENTRY_BYTES + bytes.byteLength;
      for (const oldest of kept.keys()) {
        if (sizeBytes <= maxBytes) break;
        drop(oldest);
      }
    },
    get: (key) => kept.get(key) ?? null,
    drop,
  };
}

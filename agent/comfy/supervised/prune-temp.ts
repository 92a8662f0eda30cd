/** Keeps ComfyUI's temporary folder small while it runs: it empties that folder only at its own start and end. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export interface TempLimits {
  /** Files that were not written to for longer than this go. */
  maxAgeMs: number;
  /** Over this the oldest files go first. */
  maxBytes: number;
  /** Younger files stay whatever the size: a run that goes on may still name them. */
  keepMs: number;
}

interface TempFile {
  path: string;
  sizeBytes: number;
  ageMs: number;
}

/**
 * Deletes what is too old or too much. Files that vanish meanwhile do not matter.
 * @returns How many files were deleted.
 */
export async function pruneTemp(folder: string, limits: TempLimits, nowMs: number): Promise<number> {
  const oldestFirst = (await filesIn(folder, nowMs)).toSorted((a, b) => b.ageMs - a.ageMs);
  let totalBytes = oldestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let deleted = 0;
  for (const { path, sizeBytes, ageMs } of oldestFirst) {
    if (ageMs <= limits.maxAgeMs && (totalBytes <= limits.maxBytes || ageMs <= limits.keepMs)) break;
    await rm(path, { force: true });
    totalBytes -= sizeBytes;
    deleted++;
  }
  return deleted;
}

async function filesIn(folder: string, nowMs: number): Promise<TempFile[]> {
  const found: TempFile[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const info = await stat(path).catch(() => null);
    if (info !== null) found.push({ path, sizeBytes: info.size, ageMs: nowMs - info.mtimeMs });
  }
  return found;
}

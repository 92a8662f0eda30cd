/**
 * Removes a folder with all that is in it. Those of attempts mostly hold a file or two, and each call for them takes
 * microseconds: to wait for a thread at a dozen of them costs five times as much.
 */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** A folder with more entries is removed in the background. */
const MAX_IN_ONE_GO = 16;

/** Up to here a file is removed quicker than a thread is found for it; one of 3 GB takes 0.3 s. */
export const SMALL_BYTES = 1_048_576;

/** What a folder of few entries has at most: a larger one is not even read here. */
const SMALL_FOLDER_BYTES = 4_096;

/** Of a local disk. Follows no link. Does nothing where there is no such folder. */
export async function removeTree(path: string): Promise<void> {
  try {
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info === undefined) return;
    if (info.isDirectory() && removeFew({ path, sizeBytes: info.size }, MAX_IN_ONE_GO) !== null) return;
  } catch {
    // Whatever it was: `rm` gets over it, or says so.
  }
  await rm(path, { recursive: true, force: true });
}

/** @returns how many entries more it would have removed; null when there is too much, some of which may be gone */
function removeFew(folder: { path: string; sizeBytes: number }, most: number): number | null {
  const names = folder.sizeBytes > SMALL_FOLDER_BYTES ? null : readdirSync(folder.path);
  if (names === null || names.length > most) return null;
  let left: number | null = most - names.length;
  for (const name of names) {
    const path = join(folder.path, name);
    const info = lstatSync(path);
    if (info.isDirectory()) left = removeFew({ path, sizeBytes: info.size }, left);
    else if (info.size > SMALL_BYTES) left = null;
    else unlinkSync(path);
    if (left === null) return null;
  }
  rmdirSync(folder.path);
  return left;
}

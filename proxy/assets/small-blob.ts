/**
 * A small blob whose bytes are in memory, stored in one go. The store's database commits synchronously too, on the same disk:
 * to wait for a thread at each of five steps takes a busy machine several times as long.
 */
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The file appears under its name only when it is whole and on the disk.
 * @param to.folder and `to.temporary` exist, on one file system
 * @throws file system errors as they are; nothing is left then
 */
export function storeSmallBlob(
  bytes: Uint8Array,
  to: { folder: string; name: string; temporary: string },
): void {
  const from = join(to.temporary, randomUUID());
  try {
    writeFileSync(from, bytes, { flag: "wx", mode: 0o600, flush: true });
    renameSync(from, join(to.folder, to.name));
  } catch (error) {
    rmSync(from, { force: true });
    throw error;
  }
  sync(to.folder);
}

/**
 * A small blob whose bytes are in memory, stored with as few waits for a thread as there are for the disk. What takes the
 * kernel a moment is done at once: a busy machine takes several times as long to hand it over.
 */
import { randomUUID } from "node:crypto";
import { closeSync, fsync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

function synced(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(descriptor, (error) => error ? reject(error) : resolve()));
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const descriptor = openSync(path, "wx", 0o600);
  try {
    writeFileSync(descriptor, bytes);
    await synced(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function syncFolder(path: string): Promise<void> {
  const descriptor = openSync(path, "r");
  try {
    await synced(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The file appears under its name only when it is whole and on the disk.
 * @param to.folder and `to.temporary` exist, on one file system
 * @throws file system errors as they are; the file may be there then, and not be durable
 */
export async function storeSmallBlob(
  bytes: Uint8Array,
  to: { folder: string; name: string; temporary: string },
): Promise<void> {
  const from = join(to.temporary, randomUUID());
  try {
    await write(from, bytes);
    renameSync(from, join(to.folder, to.name));
  } catch (error) {
    rmSync(from, { force: true });
    throw error;
  }
  await syncFolder(to.folder);
}

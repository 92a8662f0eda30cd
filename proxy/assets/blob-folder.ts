/** The folder that a blob is moved into: open, so that what was moved can be made to survive a power cut. */
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

export interface BlobFolder {
  path: string;
  /** Makes what was moved into it durable, and itself where it is new. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/**
 * Opens folders of one store, made where they are missing.
 * @param root of the store, which exists; blobs lie two folders below it
 */
export function createFolderOpener(root: string): (path: string) => Promise<BlobFolder> {
  /**
   * Folders whose parents were synced since they were last made here, by the first blob that came to stay: an entry that is
   * not on the disk would take every blob below it along.
   */
  const anchored = new Map<string, Promise<unknown>>();

  function anchor(path: string): Promise<unknown> {
    const known = anchored.get(path);
    if (known) return known;
    const syncing = Promise.all([dirname(path), root].map(syncFolder));
    anchored.set(path, syncing);
    syncing.catch(() => anchored.delete(path));
    return syncing;
  }

  return async (path) => {
    let folder = await openExisting(path);
    if (folder === null) {
      anchored.delete(path);
      await mkdir(path, { recursive: true, mode: 0o700 });
      folder = await open(path, "r");
    }
    const opened = folder;
    return {
      path,
      sync: async () => void await Promise.all([opened.sync(), anchor(path)]),
      close: () => opened.close(),
    };
  };
}

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

/** @param root where the parents begin that may be new too; it exists */
export async function openBlobFolder(root: string, path: string): Promise<BlobFolder> {
  const existing = await openExisting(path);
  const made = existing ? undefined : await mkdir(path, { recursive: true, mode: 0o700 });
  const folder = existing ?? await open(path, "r");
  // Every folder that got a new entry, up to the one that was there before.
  const parents: string[] = [];
  for (let at = path; made !== undefined && at !== root && parents.at(-1) !== dirname(made); at = dirname(at)) {
    parents.push(dirname(at));
  }
  return {
    path,
    sync: async () => void await Promise.all([folder.sync(), ...parents.map(syncFolder)]),
    close: () => folder.close(),
  };
}

/**
 * Asset bytes in a folder: `<root>/<tenant>/<sha256[0:2]>/<sha256>`. A file appears under its name only when it is whole
 * and on the disk. One edge per folder: what an earlier one left half-written is removed at the start.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "../../contracts/errors.ts";
import { Sha256, TenantId } from "../../contracts/ids.ts";
import { createBlobWriter } from "./blob-writer.ts";
import { readFileStream } from "./file-stream.ts";
import type { BlobStore, StoredBlob } from "./port.ts";

export interface FolderStoreOptions {
  /** Made when missing, 0700. */
  root: string;
  /** An upload that sends nothing for this long is given up, ms. Default 60,000. */
  stallTimeoutMs?: number;
}

type PutOptions = Parameters<BlobStore["put"]>[2];

/** Makes a rename or a new folder survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function checkHash(blob: StoredBlob, expected: PutOptions["expected"]): void {
  if (expected === undefined) return;
  const sizeDiffers = expected.sizeBytes !== undefined && expected.sizeBytes !== blob.sizeBytes;
  if (blob.sha256 === expected.sha256 && !sizeDiffers) return;
  throw new FleetError("hash_mismatch", "Cannot store the bytes: they are not those that were announced", {
    hint: "Send them again; if it persists, compute their sha256 anew.",
    details: { expectedSha256: expected.sha256, sha256: blob.sha256, sizeBytes: blob.sizeBytes },
  });
}

export async function createFolderStore({ root, stallTimeoutMs = 60_000 }: FolderStoreOptions): Promise<BlobStore> {
  const temporary = join(root, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o700 });

  /** Both parts are checked here too: they become a path. */
  const folderOf = (tenantId: TenantId, sha256: Sha256) =>
    join(root, TenantId.parse(tenantId), Sha256.parse(sha256).slice(0, 2));
  const pathOf = (tenantId: TenantId, sha256: Sha256) => join(folderOf(tenantId, sha256), sha256);

  const sizeOf = async (path: string): Promise<number | null> => {
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };

  const keep = async (from: string, tenantId: TenantId, sha256: Sha256): Promise<void> => {
    const folder = folderOf(tenantId, sha256);
    const isNew = await mkdir(folder, { recursive: true, mode: 0o700 }) !== undefined;
    // Over bytes that are there already: they are equal, and readers of the old file keep it.
    await rename(from, join(folder, sha256));
    await syncFolder(folder);
    if (!isNew) return;
    await syncFolder(join(root, tenantId));
    await syncFolder(root);
  };

  return {
    async put(tenantId, body, options) {
      const path = join(temporary, randomUUID());
      const writer = await createBlobWriter(path, { maxBytes: options.maxBytes, blake3: options.blake3 });
      try {
        const blob = await writer.writeAll(body, { signal: options.signal, stallTimeoutMs });
        checkHash(blob, options.expected);
        await keep(path, tenantId, blob.sha256);
        return blob;
      } catch (error) {
        await writer.close().finally(() => rm(path, { force: true }));
        throw error;
      }
    },
    async open(tenantId, sha256, range) {
      const path = pathOf(tenantId, sha256);
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === null) return null;
      return { body: readFileStream(path, range ?? { start: 0, end: sizeBytes - 1 }), sizeBytes };
    },
    has: async (tenantId, sha256) => await sizeOf(pathOf(tenantId, sha256)) !== null,
  };
}

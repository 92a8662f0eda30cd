/**
 * Asset bytes in a folder: `<root>/<tenant>/<sha256[0:2]>/<sha256>`. A file appears under its name only when it is whole
 * and on the disk; when it was last stored or touched is its modification time. One edge per folder: what an earlier one
 * left half-written is removed at the start.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, opendir, readFile, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "../../contracts/errors.ts";
import { createRecentBytes } from "../../contracts/recent-bytes.ts";
import { Sha256, TenantId } from "../../contracts/ids.ts";
import { type BlobFolder, createFolderOpener } from "./blob-folder.ts";
import { createBlobWriter, type WrittenBlob } from "./blob-writer.ts";
import { createExclusively } from "./exclusive.ts";
import { readFileStream } from "./file-stream.ts";
import type { BlobKey, BlobStore, StoredBlob } from "./port.ts";

export interface FolderStoreOptions {
  /** Made when missing, 0700. */
  root: string;
  /** An upload that sends nothing for this long is given up, ms. Default 60,000. */
  stallTimeoutMs?: number;
}

type PutOptions = Parameters<BlobStore["put"]>[2];

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Null instead of the error when the file or folder is not there. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Names of what lies in the folder; none when it is gone meanwhile. */
async function* namesIn(path: string): AsyncGenerator<string, void> {
  const folder = await orNull(opendir(path));
  if (!folder) return;
  for await (const entry of folder) yield entry.name;
}

function checkHash(blob: StoredBlob, expected: PutOptions["expected"] = {}): void {
  const { sha256 = blob.sha256, blake3 = blob.blake3, sizeBytes = blob.sizeBytes } = expected;
  if (blob.sha256 === sha256 && blob.blake3 === blake3 && blob.sizeBytes === sizeBytes) return;
  throw new FleetError("hash_mismatch", "Cannot store the bytes: they are not those that were announced", {
    hint: "Send them again; if it persists, compute their hash anew.",
    details: { expected, ...blob },
  });
}

export async function createFolderStore({ root, stallTimeoutMs = 60_000 }: FolderStoreOptions): Promise<BlobStore> {
  const temporary = join(root, "tmp");
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true, mode: 0o700 });

  /** Both parts are checked here too: they become a path. */
  const folderOf = (tenantId: TenantId, sha256: Sha256) =>
    join(root, TenantId.parse(tenantId), Sha256.parse(sha256).slice(0, 2));
  const openFolder = createFolderOpener(root);
  /** By path. */
  const recent = createRecentBytes();
  const homeOf = (tenantId: TenantId, sha256: Sha256) => {
    const opening = openFolder(folderOf(tenantId, sha256));
    // Met where it is awaited, unless the bytes fail first.
    opening.catch(() => undefined);
    return opening;
  };
  const pathOf = (tenantId: TenantId, sha256: Sha256) => join(folderOf(tenantId, sha256), sha256);

  /** Nothing may be removed between the look at its age and the removal. */
  const exclusively = createExclusively();
  const sizeOf = async (path: string) => (await orNull(stat(path)))?.size ?? null;

  /** Perhaps moved to their place without being on the disk, whose failure may be over: they are to be stored again. */
  const doubtful = new Set<string>();
  const durably = async (path: string, store: () => Promise<void>): Promise<void> => {
    try {
      await store();
      doubtful.delete(path);
    } catch (error) {
      doubtful.add(path);
      throw error;
    }
  };

  const keep = async (from: string, home: Promise<BlobFolder>, { sha256, bytes }: WrittenBlob): Promise<void> => {
    const folder = await home;
    // Over bytes that are there already: they are equal, and readers of the old file keep it.
    const path = join(folder.path, sha256);
    await durably(path, async () => {
      await exclusively(path, async () => {
        await rename(from, path);
        if (bytes !== null) recent.keep(path, bytes);
      });
      await folder.sync();
    });
  };

  async function* blobsOf(tenantId: TenantId): AsyncGenerator<BlobKey, void> {
    for await (const prefix of namesIn(join(root, tenantId))) {
      for await (const name of namesIn(join(root, tenantId, prefix))) {
        if (Sha256.safeParse(name).success && name.startsWith(prefix)) yield { tenantId, sha256: name };
      }
    }
  }

  return {
    async put(tenantId, body, options) {
      const path = join(temporary, randomUUID());
      const file = await open(path, "wx", 0o600);
      const { maxBytes, blake3 } = options;
      const writer = await createBlobWriter(file, { maxBytes, blake3, keepBytes: recent.maxFileBytes });
      // Where their hash is known, a place is made while the bytes come in.
      let home = options.expected?.sha256 === undefined ? undefined : homeOf(tenantId, options.expected.sha256);
      try {
        const written = await writer.writeAll(body, { signal: options.signal, stallTimeoutMs });
        const { bytes: _bytes, ...blob } = written;
        checkHash(blob, options.expected);
        await keep(path, home ??= homeOf(tenantId, blob.sha256), written);
        return blob;
      } catch (error) {
        await writer.close().finally(() => rm(path, { force: true }));
        throw error;
      } finally {
        home?.then((folder) => folder.close()).catch(() => undefined);
      }
    },
    async open(tenantId, sha256, range) {
      const path = pathOf(tenantId, sha256);
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === null) return null;
      return { body: readFileStream(path, range ?? { start: 0, end: sizeBytes - 1 }), sizeBytes };
    },
    async read(tenantId, sha256) {
      const path = pathOf(tenantId, sha256);
      return recent.get(path) ?? await orNull(readFile(path));
    },
    async touch(tenantId, sha256) {
      const path = pathOf(tenantId, sha256);
      return await exclusively(path, async () => {
        const now = new Date();
        const found = await orNull(utimes(path, now, now).then(() => now));
        return found === null || doubtful.has(path) ? null : await sizeOf(path);
      });
    },
    async *listOlder(beforeMs) {
      for await (const name of namesIn(root)) {
        const tenantId = TenantId.safeParse(name);
        if (!tenantId.success) continue;
        for await (const key of blobsOf(tenantId.data)) {
          const facts = await orNull(stat(pathOf(key.tenantId, key.sha256)));
          if (facts && facts.mtimeMs < beforeMs) yield key;
        }
      }
    },
    async delete(tenantId, sha256, beforeMs) {
      const path = pathOf(tenantId, sha256);
      return await exclusively(path, async () => {
        const facts = await orNull(stat(path));
        if (!facts || facts.mtimeMs >= beforeMs) return false;
        recent.drop(path);
        await unlink(path);
        return true;
      });
    },
  };
}

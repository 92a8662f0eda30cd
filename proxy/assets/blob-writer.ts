/** Bytes on their way into a file: counted, hashed while they are written, and on the disk before they are believed. */
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { createBLAKE3 } from "hash-wasm";
import { FleetError } from "../../contracts/errors.ts";
import type { StoredBlob } from "./port.ts";

/**
 * So much may be written before it is also made durable, while more comes in: at the end of a large file, over a slow
 * link, there is little left to wait for.
 */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

export interface WrittenBlob extends StoredBlob {
  /** The bytes themselves, where they are no more than `keepBytes`. */
  bytes: Uint8Array<ArrayBuffer> | null;
}

export interface BlobWriter {
  /**
   * Takes the whole stream, syncs the file and closes it. Cancels the stream when it rejects.
   * @param options.stallTimeoutMs how long may be waited for {@link PACE_BYTES} more, or for the end
   * @throws FleetError `payload_too_large`, `upload_interrupted`.
   */
  writeAll(
    body: ReadableStream<Uint8Array>,
    options: { signal: AbortSignal; stallTimeoutMs: number },
  ): Promise<WrittenBlob>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Whoever sends less than this in a stall timeout is as good as silent: a file of the largest size would take weeks. */
export const PACE_BYTES = 16 * 1024;

function tooLarge(maxBytes: number): FleetError {
  return new FleetError("payload_too_large", `Cannot store the bytes: they are more than ${maxBytes}`, {
    hint: "Send a smaller file; the operator can raise MAX_UPLOAD_BYTES.",
    details: { maxBytes },
  });
}

function interrupted(why: string, cause?: unknown): FleetError {
  return new FleetError("upload_interrupted", `Cannot store the bytes: ${why}`, {
    hint: "Send them again; nothing of them was kept.",
    cause,
  });
}

/** Reads the next chunk, or rejects when the source fails, the signal fires or nothing comes for too long. */
async function readNext(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal,
  stallTimeoutMs: number,
): Promise<Uint8Array | null> {
  const giveUp = Promise.withResolvers<never>();
  const onAbort = () => giveUp.reject(interrupted("the upload was aborted"));
  const timer = setTimeout(() => giveUp.reject(interrupted("they came too slowly")), stallTimeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const { done, value } = await Promise.race([reader.read(), giveUp.promise]);
    return done ? null : value;
  } catch (error) {
    throw FleetError.is(error) ? error : interrupted("the upload broke off", error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * @param file new and empty; it is closed here, and removing it after a failure is the caller's part
 * @param options.keepBytes see {@link WrittenBlob}
 */
export async function createBlobWriter(
  file: FileHandle,
  options: { maxBytes: number; blake3: boolean; keepBytes?: number },
): Promise<BlobWriter> {
  const sha256 = createHash("sha256");
  const blake3 = options.blake3 ? await createBLAKE3() : null;
  let isOpen = true;
  let sizeBytes = 0;
  let syncedBytes = 0;
  let syncing: Promise<void> | null = null;
  let syncFailure: { error: unknown } | null = null;
  const keepBytes = options.keepBytes ?? 0;
  /** A copy: to hold the chunks themselves would cost a hundred times what is in them, when they come one byte at a time. */
  let kept: Uint8Array<ArrayBuffer> | null = new Uint8Array(Math.min(keepBytes, options.maxBytes));

  /** The kernel tells of a failed write-back once, and this may be when: it is kept for the end. */
  const syncBeside = (): void => {
    if (syncing !== null || sizeBytes - syncedBytes < SYNC_EVERY_BYTES) return;
    syncedBytes = sizeBytes;
    syncing = file.datasync().catch((error: unknown) => {
      syncFailure = { error };
    }).then(() => {
      syncing = null;
    });
  };

  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await syncing;
    await file.close();
  };

  const writeChunk = async (chunk: Uint8Array): Promise<void> => {
    let written = 0;
    while (written < chunk.length) {
      written += (await file.write(chunk, written, chunk.length - written)).bytesWritten;
    }
  };

  const writeNow = (chunk: Uint8Array): void => {
    let written = 0;
    while (written < chunk.length) written += writeSync(file.fd, chunk, written, chunk.length - written);
  };

  const take = async (chunk: Uint8Array): Promise<void> => {
    sizeBytes += chunk.length;
    if (sizeBytes > options.maxBytes) throw tooLarge(options.maxBytes);
    if (sizeBytes <= keepBytes) kept?.set(chunk, sizeBytes - chunk.length);
    else kept = null;
    // Small ones into the kernel's memory at once: to wait for a thread would take longer.
    const writing = kept === null ? writeChunk(chunk) : writeNow(chunk);
    sha256.update(chunk);
    blake3?.update(chunk);
    await writing;
    syncBeside();
  };

  return {
    async writeAll(body, { signal, stallTimeoutMs }) {
      const reader = body.getReader();
      let waitedMs = 0;
      let cameBytes = 0;
      const next = async () => {
        const askedMs = performance.now();
        const chunk = await readNext(reader, signal, Math.max(0, stallTimeoutMs - waitedMs));
        waitedMs += performance.now() - askedMs;
        cameBytes += chunk?.length ?? 0;
        if (cameBytes >= PACE_BYTES) waitedMs = cameBytes = 0;
        return chunk;
      };
      try {
        for (let chunk = await next(); chunk !== null; chunk = await next()) await take(chunk);
        await syncing;
        await file.sync();
        if (syncFailure !== null) throw syncFailure.error;
        // What is on the disk needs no waiting for the descriptor.
        close().catch(() => undefined);
      } catch (error) {
        // Not awaited: a source that hangs may never answer.
        reader.cancel(error).catch(() => undefined);
        throw error;
      }
      const bytes = kept?.length === sizeBytes ? kept : kept?.slice(0, sizeBytes) ?? null;
      return { sha256: sha256.digest("hex"), blake3: blake3?.digest("hex") ?? null, sizeBytes, bytes };
    },
    close,
  };
}

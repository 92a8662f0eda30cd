/**
 * Input bytes that edges have put on this pod, by hash: `inputs/<sha256>`. A cache: what has not been used for longest goes
 * first when it grows over its limit, except what an attempt still waits for.
 */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FleetError } from "../../contracts/errors.ts";
import { Sha256 } from "../../contracts/ids.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface InputStoreOptions {
  /** Folder of the files. */
  folder: string;
  /** Folder of unfinished uploads; on the same file system. */
  partFolder: string;
  /** Largest single input. */
  maxInputBytes: number;
  /** Over this, least recently used inputs are deleted. */
  maxStoreBytes: number;
  /** Hashes that must stay: accepted attempts have not staged them yet. */
  pinned: () => ReadonlySet<string>;
  now: () => number;
  logger: Logger;
}

interface Held {
  sizeBytes: number;
  usedAtMs: number;
}

export class InputStore {
  readonly #options: InputStoreOptions;
  readonly #held: Map<string, Held>;

  private constructor(options: InputStoreOptions, held: Map<string, Held>) {
    this.#options = options;
    this.#held = held;
  }

  /** Reads what is there and throws unfinished uploads away. */
  static async open(options: InputStoreOptions): Promise<InputStore> {
    await rm(options.partFolder, { recursive: true, force: true });
    await mkdir(options.partFolder, { recursive: true, mode: 0o700 });
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    const held = new Map<string, Held>();
    for (const name of await readdir(options.folder)) {
      if (!Sha256.safeParse(name).success) continue;
      const { size, mtimeMs } = await stat(join(options.folder, name));
      held.set(name, { sizeBytes: size, usedAtMs: mtimeMs });
    }
    return new InputStore(options, held);
  }

  has(sha256: Sha256): boolean {
    return this.#held.has(sha256);
  }

  /**
   * Path of an input's bytes; counts as a use of it.
   * @throws Error with code `ENOENT` when somebody else has deleted the file.
   */
  async use(sha256: Sha256): Promise<string> {
    const path = this.#path(sha256);
    const usedAtMs = this.#options.now();
    const held = this.#held.get(sha256);
    if (held) held.usedAtMs = usedAtMs;
    // On disk too, for the order after a restart. Awaited: a Blob of a file whose time changes cannot be read any more.
    await utimes(path, usedAtMs / 1_000, usedAtMs / 1_000);
    return path;
  }

  /** For a file that was found to be gone: the next start asks for it again. */
  miss(sha256: Sha256): void {
    this.#held.delete(sha256);
  }

  /**
   * Takes the bytes of one input. Nothing is kept unless all of them arrived and have the hash.
   * @throws FleetError `payload_too_large`, `hash_mismatch`, `upload_interrupted`.
   */
  async put(sha256: Sha256, body: AsyncIterable<Uint8Array>): Promise<void> {
    const part = join(this.#options.partFolder, `${sha256}-${randomUUID()}`);
    try {
      const { sizeBytes, actual } = await this.#receive(part, body);
      if (actual !== sha256) {
        throw new FleetError("hash_mismatch", "Cannot keep input: its bytes have another hash", {
          hint: "Send the bytes again; the file may have changed on the way.",
          details: { expected: sha256, actual },
        });
      }
      await rename(part, this.#path(sha256));
      this.#held.set(sha256, { sizeBytes, usedAtMs: this.#options.now() });
      await this.#evict(sha256);
    } finally {
      await rm(part, { force: true });
    }
  }

  async #receive(part: string, body: AsyncIterable<Uint8Array>): Promise<{ sizeBytes: number; actual: string }> {
    const hash = createHash("sha256");
    const { maxInputBytes } = this.#options;
    let sizeBytes = 0;
    const measure = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxInputBytes) return done(tooLarge(maxInputBytes));
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      await pipeline(body, measure, createWriteStream(part, { flags: "wx", mode: 0o600 }));
    } catch (cause) {
      if (FleetError.is(cause) || isDiskError(cause)) throw cause;
      throw new FleetError("upload_interrupted", "Cannot keep input: the connection ended before the bytes did", {
        hint: "Send it again.",
        cause,
      });
    }
    // Under this name bytes are trusted for ever, so they must not be a hole after a power cut.
    await using file = await open(part, "r+");
    await file.sync();
    return { sizeBytes, actual: hash.digest("hex") };
  }

  async #evict(justPut: Sha256): Promise<void> {
    const pinned = this.#options.pinned();
    let totalBytes = 0;
    for (const { sizeBytes } of this.#held.values()) totalBytes += sizeBytes;
    const oldestFirst = [...this.#held].toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs);
    for (const [sha256, { sizeBytes }] of oldestFirst) {
      if (totalBytes <= this.#options.maxStoreBytes) return;
      if (sha256 === justPut || pinned.has(sha256)) continue;
      this.#held.delete(sha256);
      totalBytes -= sizeBytes;
      await rm(this.#path(sha256), { force: true });
      this.#options.logger.info("input evicted", { sha256, sizeBytes });
    }
  }

  #path(sha256: Sha256): string {
    return join(this.#options.folder, sha256);
  }
}

export function tooLarge(maxBytes: number): FleetError {
  return new FleetError("payload_too_large", `Cannot keep input: it is larger than ${maxBytes} bytes`, {
    hint: "Send a smaller file, or raise AGENT_MAX_INPUT_BYTES.",
  });
}

function isDiskError(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

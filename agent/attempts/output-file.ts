/** One output file of ComfyUI → our own file with a hash. Never outside the folder it is said to be in. */
import { createHash } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { link, open, realpath, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { addAbortSignal, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FleetError } from "../../contracts/errors.ts";
import type { RecentBytes } from "../../contracts/recent-bytes.ts";
import type { ComfyApi, ComfyFile, ComfyFolders } from "../comfy/port.ts";
import { readPart } from "./read-part.ts";

/** Up to here one read is quicker than a stream, and no burden. */
const READ_WHOLE_BYTES = 1_048_576;

export interface Stored {
  sizeBytes: number;
  sha256: string;
}

export interface TakeOptions {
  file: ComfyFile;
  /** Where our own goes; nothing is there. */
  to: string;
  /** Nobody else writes into its folder, so a second name for the same bytes is as good as a copy. */
  isOurs: boolean;
  recent: RecentBytes;
}

export function outputMissing(file: ComfyFile, why: string, cause?: unknown): FleetError {
  const path = [file.subfolder, file.filename].filter((part) => part !== "").join("/");
  return new FleetError("output_missing", `Cannot collect output '${path}' of node '${file.nodeId}': ${why}`, {
    hint: "Run the job again; if it happens again, look at the pod's disk and at the node that wrote the file.",
    cause,
  });
}

/**
 * @throws FleetError `output_missing` for a file that is gone, no regular file, or outside its folder; what the signal does
 * to a stream, when it is aborted.
 */
export async function takeFromDisk(
  folders: ComfyFolders,
  options: TakeOptions,
  signal: AbortSignal,
): Promise<Stored> {
  const { file, to } = options;
  const folder = folders[file.type];
  let path: string;
  try {
    const [real, root] = await Promise.all([
      realpath(join(folder, file.subfolder, file.filename)),
      realpath(folder),
    ]);
    path = real;
    if (!path.startsWith(root + sep)) throw outputMissing(file, "it is outside ComfyUI's folder");
  } catch (error) {
    throw FleetError.is(error) ? error : outputMissing(file, "there is no such file", error);
  }
  const source = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = await source.stat();
    if (!info.isFile()) throw outputMissing(file, "it is no regular file");
    if (options.isOurs && info.size <= READ_WHOLE_BYTES) {
      const whole = { start: 0, lengthBytes: info.size };
      const [linked, bytes] = await Promise.all([isLinked(path, to), readPart(source, whole)]);
      if (!linked) await writeFile(to, bytes, { flag: "wx", mode: 0o600 });
      const stored = hashBytes(bytes);
      options.recent.keep(stored.sha256, bytes);
      return stored;
    }
    const linked = options.isOurs && await isLinked(path, to);
    const stream = addAbortSignal(signal, source.createReadStream({ autoClose: false }));
    return linked ? await hashOnly(stream) : await copyAndHash(stream, to);
  } finally {
    // What was read needs no waiting for the descriptor.
    source.close().catch(() => undefined);
  }
}

/** Reads it over ComfyUI's API, where its folders are not on our disk. */
export async function takeOverHttp(api: ComfyApi, options: TakeOptions, signal: AbortSignal): Promise<Stored> {
  const response = await api.view(options.file, signal);
  if (response.body === null) throw outputMissing(options.file, "ComfyUI sent no bytes");
  return await copyAndHash(Readable.from(chunksOf(response.body)), options.to);
}

/** Tells a connection that breaks from a disk that fails. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (cause) {
    throw new FleetError("comfy_unavailable", "Cannot read an output: the connection to ComfyUI broke", { cause });
  }
}

async function isLinked(path: string, to: string): Promise<boolean> {
  return await link(path, to).then(() => true, () => false);
}

function hashBytes(bytes: Uint8Array): Stored {
  return { sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

async function hashOnly(source: AsyncIterable<Uint8Array>): Promise<Stored> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function copyAndHash(source: Readable, to: string): Promise<Stored> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(source, measure, createWriteStream(to, { flags: "wx", mode: 0o600 }));
  return { sizeBytes, sha256: hash.digest("hex") };
}

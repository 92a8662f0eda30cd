/** One output of a finished job: described at once, its bytes fetched only when asked for, unless they came along. */
import type { Output, OutputType } from "../contracts/asset.ts";
import { assetContentPath } from "../contracts/edge/routes.ts";
import type { AssetId } from "../contracts/ids.ts";
import type { Connection } from "./connection.ts";
import { saveVerified } from "./save.ts";

export interface OutputFile {
  readonly nodeId: string;
  readonly name: string;
  readonly type: OutputType;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly assetId: AssetId;
  /** True for previews that ComfyUI itself treats as temporary. */
  readonly temporary: boolean;
  /** Where the bytes are; a GET needs the API key as bearer token. */
  url(): string;
  stream(signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  bytes(signal?: AbortSignal): Promise<Uint8Array>;
  text(signal?: AbortSignal): Promise<string>;
  /**
   * Writes a file and returns its path: `path` itself, or `path/<name>` when it ends in a slash or is a folder. The
   * bytes are checked against `sha256`; an interrupted or wrong download leaves nothing behind. Node and Deno only.
   */
  save(path: string, signal?: AbortSignal): Promise<string>;
}

/** Not `Buffer`: browsers have none. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

export function createOutputFile(connection: Connection, output: Output): OutputFile {
  const path = assetContentPath(output.assetId);
  const { jobId: _, dataBase64, ...description } = output;
  const get = async (signal?: AbortSignal) => {
    signal?.throwIfAborted();
    if (dataBase64 !== undefined) return new Response(bytesOf(dataBase64));
    return await connection.request(path, signal ? { signal } : {});
  };
  return {
    ...description,
    url: () => `${connection.baseUrl}${path}`,
    stream: async (signal) => (await get(signal)).body ?? new Blob([]).stream(),
    bytes: async (signal) => new Uint8Array(await (await get(signal)).arrayBuffer()),
    text: async (signal) => (await get(signal)).text(),
    save: (target, signal) => saveVerified({ open: get, output, target, signal }),
  };
}

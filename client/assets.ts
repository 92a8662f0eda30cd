/** Bytes up and down. */
import { Asset } from "../contracts/asset.ts";
import { FleetError } from "../contracts/errors.ts";
import { assetContentPath, assetUploadPath, EXPECTED_SHA256_HEADER } from "../contracts/edge/routes.ts";
import { AssetId } from "../contracts/ids.ts";
import type { Page } from "../contracts/page.ts";
import type { Connection } from "./connection.ts";
import { fileSystem } from "./file-system.ts";

/** A local file or bytes with a name; see {@link file}. */
export class Upload {
  readonly #open: () => Promise<Blob>;
  readonly name: string;

  constructor(name: string, open: () => Promise<Blob>) {
    this.name = name;
    this.#open = open;
  }

  /** The bytes; a file is opened lazily and streamed, not read into memory (on Node). */
  blob(): Promise<Blob> {
    return this.#open();
  }
}

/**
 * Something to upload: a path (Node, Deno), or bytes with a name.
 * @example fleet.run(workflow, { "Load Image.image": file("./cat.png") })
 */
export function file(source: string | Blob | Uint8Array<ArrayBuffer>, name?: string): Upload {
  if (typeof source === "string") {
    const base = source.split(/[/\\]/).pop() || "file";
    return new Upload(name ?? base, async () => {
      const { openAsBlob } = await fileSystem();
      return await openAsBlob(source).catch((cause: unknown) => {
        throw new FleetError("invalid_input", `Cannot read '${source}'`, { hint: "Check the path.", cause });
      });
    });
  }
  const blob = source instanceof Blob ? source : new Blob([source]);
  return new Upload(name ?? (blob instanceof File ? blob.name : "file"), () => Promise.resolve(blob));
}

export interface UploadOptions {
  contentType?: string;
  /** Lowercase hex; the edge refuses other bytes. */
  expectedSha256?: string;
  signal?: AbortSignal | undefined;
}

export interface Assets {
  upload(source: Upload, options?: UploadOptions): Promise<Asset>;
  get(assetId: AssetId): Promise<Asset>;
  /** One page of the tenant's assets, newest first; `limit` up to 100, by default 50. */
  list(page?: { limit?: number; cursor?: string | null }): Promise<Page<Asset>>;
  /** The asset and, with the last one that has them, its bytes. @throws FleetError `asset_in_use`, `not_found` */
  delete(assetId: AssetId): Promise<void>;
  download(assetId: AssetId, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

export function createAssets(connection: Connection): Assets {
  return {
    async upload(source, options = {}) {
      const blob = await source.blob();
      const headers: Record<string, string> = {};
      const contentType = options.contentType ?? blob.type;
      if (contentType) headers["content-type"] = contentType;
      if (options.expectedSha256) headers[EXPECTED_SHA256_HEADER] = options.expectedSha256;
      const init: RequestInit = { method: "POST", body: blob, headers, signal: options.signal ?? null };
      const response = await connection.request(assetUploadPath(source.name), init);
      return Asset.parse(await response.json());
    },
    get: (assetId) => connection.call((trpc) => trpc.assets.get.query({ assetId: AssetId.parse(assetId) })),
    list: (page = {}) => connection.call((trpc) => trpc.assets.list.query(page)),
    delete: (assetId) => connection.call((trpc) => trpc.assets.delete.mutate({ assetId: AssetId.parse(assetId) })),
    async download(assetId, signal) {
      const response = await connection.request(assetContentPath(assetId), signal ? { signal } : {});
      return response.body ?? new Blob([]).stream();
    },
  };
}

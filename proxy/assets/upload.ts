/** Takes an uploaded file: judged before its bytes are read, stored before its row is written. */
import { typeid } from "typeid-js";
import { FileName } from "../../contracts/asset.ts";
import { FleetError } from "../../contracts/errors.ts";
import type { AssetStore } from "../store/asset-store.ts";
import { cleanContentType } from "./content-type.ts";
import type { AssetBytes, BlobStore } from "./port.ts";

export interface UploadOptions {
  store: Pick<AssetStore, "createAsset">;
  blobs: Pick<BlobStore, "put">;
  /** Largest file, bytes. */
  maxBytes: number;
}

function parseFileName(name: string): string {
  const parsed = FileName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new FleetError(
    "invalid_input",
    `Cannot store the file: ${JSON.stringify(name.slice(0, 100))} is no file name`,
    {
      hint: "Pass ?name=FILE with a plain name of 1 to 255 characters, without folders.",
    },
  );
}

function refuseForm(contentType: string | null): void {
  if (!/^\s*multipart\//i.test(contentType ?? "")) return;
  throw new FleetError("invalid_input", "Cannot store the file: it is wrapped in a form", {
    hint: "Send the bytes themselves as the body, e.g. curl --data-binary @FILE -H 'content-type: image/png'.",
  });
}

function refuseAnnounced(contentLength: string | null, maxBytes: number): void {
  // Unreadable lengths are the server's to refuse; the bytes are counted anyway.
  if (!(Number(contentLength ?? 0) > maxBytes)) return;
  throw new FleetError(
    "payload_too_large",
    `Cannot store the file: it has ${contentLength} bytes, at most ${maxBytes}`,
    {
      hint: "Send a smaller file; the operator can raise MAX_UPLOAD_BYTES.",
      details: { maxBytes },
    },
  );
}

/** An empty body reaches some servers as none at all. */
function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

export function createUpload({ store, blobs, maxBytes }: UploadOptions): AssetBytes["upload"] {
  return async (caller, request) => {
    const fileName = parseFileName(request.fileName);
    refuseForm(request.contentType);
    refuseAnnounced(request.contentLength, maxBytes);
    const { sha256, blake3, sizeBytes } = await blobs.put(caller.tenantId, request.body ?? emptyBody(), {
      maxBytes,
      ...(request.expectedSha256 === null ? {} : { expected: { sha256: request.expectedSha256 } }),
      blake3: true,
      signal: request.signal,
    });
    return await store.createAsset({
      id: typeid("asset").toString(),
      tenantId: caller.tenantId,
      fileName,
      contentType: cleanContentType(request.contentType, fileName),
      sizeBytes,
      sha256,
      blake3,
    });
  };
}

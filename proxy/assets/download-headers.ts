/** Headers of a stored file on its way to a browser that must not run it. */
import type { Asset } from "../../contracts/asset.ts";
import { cleanContentType, mayShowInline } from "./content-type.ts";
import type { Validators } from "./preconditions.ts";

/** HTTP dates have whole seconds. */
export function validatorsOf(asset: Asset): Validators {
  return { etag: `"${asset.sha256}"`, lastModifiedMs: Math.floor(Date.parse(asset.createdAt) / 1_000) * 1_000 };
}

/** RFC 6266: an ASCII stand-in for old clients, the true name in RFC 8187's form. */
export function contentDisposition(fileName: string, contentType: string): string {
  const ascii = fileName.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(fileName.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${mayShowInline(contentType) ? "inline" : "attachment"}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** Everything but `content-length` and `content-range`, which depend on the part that is sent. */
export function downloadHeaders(asset: Asset): Headers {
  const { etag, lastModifiedMs } = validatorsOf(asset);
  // A pod named the type of what it made: it is judged like a stranger's.
  const contentType = cleanContentType(asset.contentType, asset.fileName);
  return new Headers({
    "content-type": contentType,
    "content-disposition": contentDisposition(asset.fileName, contentType),
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
    etag,
    "last-modified": new Date(lastModifiedMs).toUTCString(),
    // The bytes behind an id never change, but only who holds a key may have them.
    "cache-control": "private, max-age=31536000, immutable",
    vary: "authorization",
  });
}

/** The `If-None-Match` header of RFC 9110: a list of entity tags, or `*`. */

const TAG = /^(?:W\/)?("[\x21\x23-\x7e\x80-\uffff]*")$/;

/** By weak comparison, as the RFC wants it here: `W/` makes no difference. False for no header. */
export function matchesAny(header: string | null | undefined, etag: string): boolean {
  if (header === null || header === undefined) return false;
  if (header.trim() === "*") return true;
  // A comma may stand within a tag, but not in ours: the pieces of such a one match nothing.
  return header.split(",").some((piece) => TAG.exec(piece.trim())?.[1] === etag);
}

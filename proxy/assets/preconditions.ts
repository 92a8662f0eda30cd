/** Conditional requests for bytes that never change: what the client has already, and whether its half still fits. */
import { matchesAny } from "../../contracts/http/entity-tag.ts";

export interface Validators {
  /** Strong: the hash in quotes. */
  etag: string;
  /** Of whole seconds, epoch ms. */
  lastModifiedMs: number;
}

/** Whether to answer 304. `If-Modified-Since` counts only where no `If-None-Match` is sent. */
export function isNotModified(headers: Headers, { etag, lastModifiedMs }: Validators): boolean {
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) return matchesAny(noneMatch, etag);
  const since = headers.get("if-modified-since");
  // An unreadable date is NaN, which is not later than anything.
  return since !== null && Date.parse(since) >= lastModifiedMs;
}

/** Whether `Range` counts: `If-Range` must name exactly these bytes, strongly. */
export function rangeApplies(headers: Headers, { etag, lastModifiedMs }: Validators): boolean {
  const condition = headers.get("if-range")?.trim();
  if (condition === undefined) return true;
  return /^(?:W\/)?"/.test(condition) ? condition === etag : Date.parse(condition) === lastModifiedMs;
}

/** Addresses in answers: of a job relative to the host, of bytes absolute, signed and short-lived. */
import type { AssetId } from "../../../contracts/ids.ts";
import { toTimestamp, uuidOf } from "../../../contracts/ids.ts";
import { V2_ROUTES } from "../../../contracts/edge/routes.ts";
import type { UrlSigner } from "../../secrets/url-signer.ts";

export interface ContentLink {
  url: string;
  url_expires_at: string;
}

/**
 * Links of one answer: all made at one time, for the origin that its caller can reach. None works for longer than its asset
 * is kept, where that is known (`expiresAt`, a timestamp).
 */
export type ContentLinks = (assetId: AssetId, expiresAt?: string | null) => ContentLink;

export interface LinksOptions {
  signer: Pick<UrlSigner, "sign">;
  nowMs: number;
  /** As the caller reaches this edge, e.g. `https://fleet.example.com`. */
  origin: string;
}

export function contentLinks({ signer, nowMs, origin }: LinksOptions): ContentLinks {
  return (assetId, expiresAt = null) => {
    const uuid = uuidOf(assetId);
    const untilMs = expiresAt === null ? null : Date.parse(expiresAt);
    const { query, expiresAtMs } = signer.sign(uuid, { nowMs, untilMs });
    return {
      url: `${origin}${V2_ROUTES.assets}/${uuid}/content?${query}`,
      url_expires_at: toTimestamp(expiresAtMs),
    };
  };
}

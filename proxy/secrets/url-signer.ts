/** Signed addresses of an asset's bytes: whoever has one may read that asset, and no other, until it expires. */
import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { EdgeSecret } from "./edge-secret.ts";

export interface SignedQuery {
  /** `expires=EPOCH_S&signature=BASE64URL`, to put behind the `?` as it is. */
  query: string;
  /** A whole second: what the query says, and up to a second before what was asked for. */
  expiresAtMs: number;
}

/** The two query parameters as they came; null or undefined when there was none. */
export interface ClaimedSignature {
  expires: string | null | undefined;
  signature: string | null | undefined;
}

export interface UrlSigner {
  /**
   * @param assetUuid as in the path: lower case, with hyphens
   * @param time.untilMs when the asset itself ends; null or absent: not before the address does
   */
  sign(assetUuid: string, time: { nowMs: number; untilMs?: number | null }): SignedQuery;
  /** Whether this edge, or one with its secret, has signed exactly that, and it has not expired. */
  verify(assetUuid: string, claimed: ClaimedSignature, nowMs: number): boolean;
}

export interface UrlSignerOptions {
  secret: EdgeSecret;
  /** How long an address works, ms; at least a second. */
  ttlMs: number;
}

/** Digits as `sign` writes them: no sign, no leading zero, and small enough for a double. */
const EXPIRES = /^[1-9]\d{0,11}$/;
/** 32 bytes; the only spelling of each, so that no second address of the same signature works. */
const SIGNATURE = /^[\w-]{42}[AEIMQUYcgkosw048]$/;

export function createUrlSigner({ secret, ttlMs }: UrlSignerOptions): UrlSigner {
  // Prepared once: of bare bytes each use would make a key anew, which takes longer than the hash.
  const key = createSecretKey(secret.keyFor("asset-url"));
  // A uuid has no newline, so that no two pairs make the same text.
  const mac = (assetUuid: string, expires: string) =>
    createHmac("sha256", key).update(`${assetUuid}\n${expires}`).digest();

  return {
    sign(assetUuid, { nowMs, untilMs }) {
      const expires = String(Math.floor(Math.min(nowMs + ttlMs, untilMs ?? Infinity) / 1_000));
      const signature = mac(assetUuid, expires).toString("base64url");
      return { query: `expires=${expires}&signature=${signature}`, expiresAtMs: Number(expires) * 1_000 };
    },
    verify(assetUuid, { expires, signature }, nowMs) {
      if (!EXPIRES.test(expires ?? "") || !SIGNATURE.test(signature ?? "")) return false;
      const given = Buffer.from(signature ?? "", "base64url");
      return timingSafeEqual(mac(assetUuid, expires ?? ""), given) && nowMs < Number(expires) * 1_000;
    },
  };
}

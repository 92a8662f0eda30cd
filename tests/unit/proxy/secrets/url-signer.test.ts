import { describe, expect, it } from "vitest";
import type { EdgeSecret } from "../../../../proxy/secrets/edge-secret.ts";
import { createUrlSigner } from "../../../../proxy/secrets/url-signer.ts";

const secretOf = (byte: number): EdgeSecret => ({ keyFor: () => new Uint8Array(32).fill(byte) });
const HOUR_MS = 3_600_000;
const NOW_MS = 1_800_000_000_400;
const UUID = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER = "01890a5d-ac96-774b-bcce-b302099a8058";

const signer = createUrlSigner({ secret: secretOf(7), ttlMs: HOUR_MS });
const claim = (query: string) => {
  const params = new URLSearchParams(query);
  return { expires: params.get("expires"), signature: params.get("signature") };
};

describe("createUrlSigner()", () => {
  it("signs for whole seconds, never longer than asked for", () => {
    const { query, expiresAtMs } = signer.sign(UUID, { nowMs: NOW_MS });
    expect(expiresAtMs).toBe(1_800_003_600_000);
    expect(query).toMatch(/^expires=1800003600&signature=[\w-]{43}$/);
    expect(signer.sign(UUID, { nowMs: NOW_MS })).toEqual({ query, expiresAtMs });
  });

  it("verifies what it signed until it expires", () => {
    const { query, expiresAtMs } = signer.sign(UUID, { nowMs: NOW_MS });
    expect(signer.verify(UUID, claim(query), NOW_MS)).toBe(true);
    expect(signer.verify(UUID, claim(query), expiresAtMs - 1)).toBe(true);
    expect(signer.verify(UUID, claim(query), expiresAtMs)).toBe(false);
  });

  it("refuses another asset, another time and another edge's signature", () => {
    const signed = claim(signer.sign(UUID, { nowMs: NOW_MS }).query);
    const later = { ...signed, expires: String(Number(signed.expires) + 1) };
    const foreign = claim(createUrlSigner({ secret: secretOf(8), ttlMs: HOUR_MS }).sign(UUID, { nowMs: NOW_MS }).query);
    expect(signer.verify(OTHER, signed, NOW_MS)).toBe(false);
    expect(signer.verify(UUID, later, NOW_MS)).toBe(false);
    expect(signer.verify(UUID, foreign, NOW_MS)).toBe(false);
  });

  it("takes one spelling of a signature and of a time, and no other", () => {
    const signed = claim(signer.sign(UUID, { nowMs: NOW_MS }).query);
    const { expires, signature } = signed;
    const verify = (one: { expires?: string | null; signature?: string | null }) =>
      signer.verify(UUID, { expires, signature, ...one }, NOW_MS);
    expect(verify({})).toBe(true);
    const times = [null, "", "0", "-1", "NaN", "Infinity", "1e99", `0${expires}`, ` ${expires}`, `${expires}.0`];
    for (const one of times) expect(verify({ expires: one })).toBe(false);
    const last = signature?.at(-1) ?? "";
    // A character beside it in the alphabet says the same 32 bytes in bits that base64 throws away.
    const twin = `${signature?.slice(0, -1)}${String.fromCharCode(last.charCodeAt(0) + 1)}`;
    for (const one of [null, "", "é", twin, `${signature}=`, `${signature}A`, signature?.slice(1)]) {
      expect(verify({ signature: one ?? null })).toBe(false);
    }
  });
});

/** The written form of an API key: `cfl_<keyId without its prefix>_<secret>`; only the secret's hash is stored. */
import { KeyId } from "./ids.ts";

const WRITTEN = /^cfl_([0-7][0-9a-hjkmnp-tv-z]{25})_([A-Za-z0-9_-]{43})$/;

/** A key taken apart. `secret` is 32 random bytes in base64url, 43 characters. */
export interface ApiKeyParts {
  keyId: KeyId;
  secret: string;
}

export function formatApiKey({ keyId, secret }: ApiKeyParts): string {
  return `cfl_${keyId.slice("key_".length)}_${secret}`;
}

/** Null for anything that is not a whole key. */
export function parseApiKey(text: string): ApiKeyParts | null {
  const [, suffix, secret] = WRITTEN.exec(text) ?? [];
  return suffix === undefined || secret === undefined ? null : { keyId: KeyId.parse(`key_${suffix}`), secret };
}

/** API keys as the edge keeps them: minted once, stored as a hash. Their written form is `contracts/api-key.ts`. */
import { Buffer } from "node:buffer";
import { hash, randomBytes as cryptoRandomBytes } from "node:crypto";
import { typeid } from "typeid-js";
import { formatApiKey, parseApiKey } from "../../contracts/api-key.ts";
import { KeyId, type Sha256 } from "../../contracts/ids.ts";

const SECRET_BYTES = 32;

export interface ParsedKey {
  id: KeyId;
  secretSha256: Sha256;
}

/** A key as it is said once: `key` is for its holder, the hash for the store. */
export interface MintedKey extends ParsedKey {
  key: string;
}

/** The only form in which a secret is kept. Its 256 random bits need no slow hash. */
function hashSecret(secret: string): Sha256 {
  return hash("sha256", secret, "hex");
}

/** Null for everything that is no key of ours. */
export function parseKey(text: string): ParsedKey | null {
  const parts = parseApiKey(text);
  return parts && { id: parts.keyId, secretSha256: hashSecret(parts.secret) };
}

export function mintKey(randomBytes: (size: number) => Uint8Array = cryptoRandomBytes): MintedKey {
  const id = KeyId.parse(typeid("key").toString());
  const secret = Buffer.from(randomBytes(SECRET_BYTES)).toString("base64url");
  return { id, secretSha256: hashSecret(secret), key: formatApiKey({ keyId: id, secret }) };
}

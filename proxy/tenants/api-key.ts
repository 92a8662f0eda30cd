/**
 * The text of an API key: `cfl_<keyId>_<secret>`, where `<keyId>` is the key's id without its `key_` and `<secret>` is 32
 * random bytes in base64url. Both parts have one length, so an underscore inside the secret cannot be mistaken.
 */
import { Buffer } from "node:buffer";
import { createHash, randomBytes as cryptoRandomBytes } from "node:crypto";
import { typeid } from "typeid-js";
import { KeyId, type Sha256 } from "../../contracts/ids.ts";

const SECRET_BYTES = 32;
const KEY_TEXT = /^cfl_([0-9a-z]{26})_([A-Za-z0-9_-]{43})$/;

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
  return createHash("sha256").update(secret).digest("hex");
}

/** Null for everything that is no key of ours. */
export function parseKey(text: string): ParsedKey | null {
  const [, suffix, secret] = KEY_TEXT.exec(text) ?? [];
  const id = KeyId.safeParse(`key_${suffix}`);
  return id.success && secret !== undefined ? { id: id.data, secretSha256: hashSecret(secret) } : null;
}

export function mintKey(randomBytes: (size: number) => Uint8Array = cryptoRandomBytes): MintedKey {
  const id = typeid("key");
  const secret = Buffer.from(randomBytes(SECRET_BYTES)).toString("base64url");
  return { id: id.toString(), secretSha256: hashSecret(secret), key: `cfl_${id.getSuffix()}_${secret}` };
}

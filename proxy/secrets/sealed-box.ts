/**
 * Short secrets that the database keeps for a while without being able to read them: AES-256-GCM under a key of the
 * edge's secret, each bound to the thing it belongs to. Written as base64url of version (1 byte), nonce (12),
 * ciphertext, tag (16).
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes as cryptoRandomBytes } from "node:crypto";
import type { EdgeSecret } from "./edge-secret.ts";

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealedBox {
  /** @param owner id of what it belongs to: opened with another one it stays shut */
  seal(secret: string, owner: string): string;
  /** Null when it was sealed with another secret or for another owner, or is damaged. */
  open(sealed: string, owner: string): string | null;
}

export interface SealedBoxOptions {
  secret: EdgeSecret;
  randomBytes?: (size: number) => Uint8Array;
}

export function createSealedBox({ secret, randomBytes = cryptoRandomBytes }: SealedBoxOptions): SealedBox {
  const key = secret.keyFor("sealed-box");
  return {
    seal(text, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(owner));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, sealed, cipher.getAuthTag()]).toString("base64url");
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
      const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(owner));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch {
        return null;
      }
    },
  };
}

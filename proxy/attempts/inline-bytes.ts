/** The bytes of small outputs that came with the report of them, if they are the right ones. */
import { hash } from "node:crypto";
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../contracts/bounds.ts";
import type { Sha256 } from "../../contracts/ids.ts";

function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/**
 * By hash; together no more than the contract takes. Where none came, or others than reported, the agent is asked for
 * them.
 */
export function inlineBytes(outputs: readonly AttemptOutput[]): Map<Sha256, Uint8Array<ArrayBuffer>> {
  const found = new Map<Sha256, Uint8Array<ArrayBuffer>>();
  let leftBytes = MAX_INLINE_BYTES;
  for (const { dataBase64, sizeBytes, sha256 } of outputs) {
    if (dataBase64 === undefined || sizeBytes > leftBytes || found.has(sha256)) continue;
    const bytes = Buffer.from(dataBase64, "base64");
    if (bytes.byteLength !== sizeBytes || hashOf(bytes) !== sha256) continue;
    leftBytes -= sizeBytes;
    found.set(sha256, new Uint8Array(bytes));
  }
  return found;
}

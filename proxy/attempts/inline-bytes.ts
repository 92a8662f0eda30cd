/** The bytes of small outputs that came with the report of them. Whether they are the right ones, their hash says. */
import type { AttemptOutput } from "../../contracts/attempt.ts";
import { MAX_INLINE_BYTES } from "../../contracts/bounds.ts";
import type { Sha256 } from "../../contracts/ids.ts";

/**
 * By hash; together no more than the contract takes. Where none came, or not as many as reported, the agent is asked for
 * them.
 */
export function inlineBytes(outputs: readonly AttemptOutput[]): Map<Sha256, Uint8Array<ArrayBuffer>> {
  const found = new Map<Sha256, Uint8Array<ArrayBuffer>>();
  let leftBytes = MAX_INLINE_BYTES;
  for (const { dataBase64, sizeBytes, sha256 } of outputs) {
    if (dataBase64 === undefined || sizeBytes > leftBytes || found.has(sha256)) continue;
    const bytes = Buffer.from(dataBase64, "base64");
    if (bytes.byteLength !== sizeBytes) continue;
    leftBytes -= sizeBytes;
    found.set(sha256, new Uint8Array(bytes));
  }
  return found;
}

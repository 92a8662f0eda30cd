import { createSealedBox, type SealedBox } from "../../../../proxy/secrets/sealed-box.ts";

/** A box whose secret every byte of is `byte`. */
export function testBox(byte = 1): SealedBox {
  return createSealedBox({ secret: { keyFor: () => new Uint8Array(32).fill(byte) } });
}

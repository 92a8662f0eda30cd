/**
 * WebP out, lossless and hardly compressed: every colour value is written as it is, in a code of eight bits. For
 * previews, whose size nobody minds.
 */
import type { Raster } from "./png.ts";

const LITERALS = 256;
/** Lengths of back references stand after the literals of the green channel; none is used. */
const GREEN_SYMBOLS = LITERALS + 24;
/** In the order in which the format lists the lengths of codes for lengths, 8 is the twelfth and 0 the third. */
const LENGTHS_LISTED = 12;
const PLACE_OF_ZERO = 2;
const PLACE_OF_EIGHT = 11;

/** Encodes a raster. Width and height 1 to 16,384. */
export function encodeWebp({ width, height, channels, bytes }: Raster): Buffer {
  const bits = new BitWriter(64 + width * height * 4);
  bits.put(0x2f, 8);
  bits.put(width - 1, 14);
  bits.put(height - 1, 14);
  bits.put(channels === 4 ? 1 : 0, 1);
  // Version 0, no transform, no colour cache, one set of codes for the whole picture.
  bits.put(0, 3 + 1 + 1 + 1);
  putLiteralCode(bits, GREEN_SYMBOLS);
  for (let color = 0; color < 3; color++) putLiteralCode(bits, LITERALS);
  // The code of distances: simple, one symbol, of one bit, zero.
  bits.put(1, 1 + 1 + 1 + 1);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = pixel * channels;
    for (const channel of [1, 0, 2]) bits.put(REVERSED[bytes[at + channel] ?? 0] ?? 0, 8);
    bits.put(REVERSED[channels === 4 ? bytes[at + 3] ?? 255 : 255] ?? 0, 8);
  }
  return container(bits.end());
}

/** Symbols below 256 have eight bits each, those above none. */
function putLiteralCode(bits: BitWriter, symbols: number): void {
  bits.put(0, 1);
  bits.put(LENGTHS_LISTED - 4, 4);
  for (let place = 0; place < LENGTHS_LISTED; place++) {
    bits.put(place === PLACE_OF_ZERO || place === PLACE_OF_EIGHT ? 1 : 0, 3);
  }
  bits.put(0, 1);
  for (let symbol = 0; symbol < symbols; symbol++) bits.put(symbol < LITERALS ? 1 : 0, 1);
}

function container(stream: Buffer): Buffer {
  const padding = Buffer.alloc(stream.length % 2);
  const head = Buffer.alloc(20);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(12 + stream.length + padding.length, 4);
  head.write("WEBPVP8L", 8, "latin1");
  head.writeUInt32LE(stream.length, 16);
  return Buffer.concat([head, stream, padding]);
}

/** A code's bits come from its high end, the stream's from the low end of each byte. */
const REVERSED = Array.from({ length: LITERALS }, (_, value) => {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) if (value & 1 << bit) reversed |= 128 >> bit;
  return reversed;
});

/** Bits from the low end of each byte. */
class BitWriter {
  readonly #bytes: Buffer;
  #at = 0;

  /** @param payloadBytes room besides that for the codes */
  constructor(payloadBytes: number) {
    this.#bytes = Buffer.alloc(payloadBytes + GREEN_SYMBOLS);
  }

  put(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++, this.#at++) {
      if (value & 1 << bit) this.#bytes[this.#at >> 3] = (this.#bytes[this.#at >> 3] ?? 0) | 1 << (this.#at & 7);
    }
  }

  end(): Buffer {
    return this.#bytes.subarray(0, (this.#at + 7) >> 3);
  }
}

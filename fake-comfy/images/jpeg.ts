/** JPEG out: baseline, colours unreduced, with codes of one length, so that no table of codes has to be known. For previews. */
import type { Raster } from "./png.ts";

const SIZE = 8;
const DC_CODE_BITS = 4;
const AC_CODE_BITS = 8;
const DC_SYMBOLS = Array.from({ length: 12 }, (_, size) => size);
/** End of block, sixteen zeros, and every run of zeros before a value of 1 to 10 bits. */
const AC_SYMBOLS = [
  ...[0x00, 0xf0],
  ...Array.from({ length: 160 }, (_, index) => (index % 16) << 4 | (Math.floor(index / 16) + 1)),
];
const AC_CODES = new Map(AC_SYMBOLS.map((symbol, code) => [symbol, code]));

/** From the middle values of a block to its finest, row by row along the diagonals. */
const ZIGZAG = Array.from({ length: SIZE * SIZE }, (_, index) => index).sort((one, other) => {
  const [oneSum, otherSum] = [one, other].map((index) => (index >> 3) + (index & 7));
  if (oneSum !== otherSum) return (oneSum ?? 0) - (otherSum ?? 0);
  return (oneSum ?? 0) % 2 === 0 ? other - one : one - other;
});

/** `COSINE[frequency * 8 + place]` with the transform's factors in it. */
const COSINE = Array.from({ length: SIZE * SIZE }, (_, index) => {
  const [frequency, place] = [index >> 3, index & 7];
  return Math.cos((2 * place + 1) * frequency * Math.PI / 16) * (frequency === 0 ? Math.SQRT1_2 : 1) / 2;
});

/** Encodes a raster; an alpha channel is left out. `quality` 0 to 100. */
export function encodeJpeg(raster: Raster, quality: number): Buffer {
  const step = Math.round(Math.min(64, Math.max(1, (100 - quality) / 2)));
  const { width, height } = raster;
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const components = [1, 2, 3];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, [...Buffer.from("JFIF\0", "latin1"), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    segment(0xdb, [0, ...Array<number>(SIZE * SIZE).fill(step)]),
    segment(0xc0, [8, ...size, 3, ...components.flatMap((id) => [id, 0x11, 0])]),
    segment(0xc4, codeTable(0x00, DC_CODE_BITS, DC_SYMBOLS)),
    segment(0xc4, codeTable(0x10, AC_CODE_BITS, AC_SYMBOLS)),
    segment(0xda, [3, ...components.flatMap((id) => [id, 0]), 0, 63, 0]),
    scan(raster, step),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, body: readonly number[]): Buffer {
  const length = body.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...body]);
}

function codeTable(id: number, bits: number, symbols: readonly number[]): number[] {
  return [id, ...Array.from({ length: 16 }, (_, index) => index + 1 === bits ? symbols.length : 0), ...symbols];
}

function scan(raster: Raster, step: number): Buffer {
  const bits = new EntropyBits();
  const before = [0, 0, 0];
  for (let top = 0; top < raster.height; top += SIZE) {
    for (let left = 0; left < raster.width; left += SIZE) {
      for (let component = 0; component < 3; component++) {
        const values = transform(samples(raster, { left, top, component }));
        const scaled = ZIGZAG.map((place) => Math.round((values[place] ?? 0) / step));
        putBlock(bits, scaled, before[component] ?? 0);
        before[component] = scaled[0] ?? 0;
      }
    }
  }
  return bits.end();
}

/** Brightness or one of the two colour differences of a block, around zero. Beyond the edge the last pixel goes on. */
function samples(raster: Raster, at: { left: number; top: number; component: number }): number[] {
  return Array.from({ length: SIZE * SIZE }, (_, index) => {
    const x = Math.min(raster.width - 1, at.left + (index & 7));
    const y = Math.min(raster.height - 1, at.top + (index >> 3));
    const from = (y * raster.width + x) * raster.channels;
    const [red = 0, green = 0, blue = 0] = raster.bytes.subarray(from, from + 3);
    if (at.component === 0) return 0.299 * red + 0.587 * green + 0.114 * blue - 128;
    if (at.component === 1) return -0.168736 * red - 0.331264 * green + 0.5 * blue;
    return 0.5 * red - 0.418688 * green - 0.081312 * blue;
  });
}

/** The cosine transform, along rows and then columns. */
function transform(values: readonly number[]): number[] {
  const along = (read: (line: number, place: number) => number) => (line: number, frequency: number) => {
    let sum = 0;
    for (let place = 0; place < SIZE; place++) sum += read(line, place) * (COSINE[frequency * 8 + place] ?? 0);
    return sum;
  };
  const rows = along((row, place) => values[row * 8 + place] ?? 0);
  const byRows = Array.from({ length: SIZE * SIZE }, (_, index) => rows(index >> 3, index & 7));
  const columns = along((column, place) => byRows[place * 8 + column] ?? 0);
  return Array.from({ length: SIZE * SIZE }, (_, index) => columns(index & 7, index >> 3));
}

function putBlock(bits: EntropyBits, values: readonly number[], before: number): void {
  const difference = (values[0] ?? 0) - before;
  bits.put(bitLength(difference), DC_CODE_BITS);
  bits.putValue(difference);
  const last = values.findLastIndex((value, index) => index > 0 && value !== 0);
  let zeros = 0;
  for (const value of values.slice(1, last + 1)) {
    if (value === 0) {
      zeros++;
      continue;
    }
    for (; zeros >= 16; zeros -= 16) bits.put(AC_CODES.get(0xf0) ?? 0, AC_CODE_BITS);
    bits.put(AC_CODES.get(zeros << 4 | bitLength(value)) ?? 0, AC_CODE_BITS);
    bits.putValue(value);
    zeros = 0;
  }
  if (last < SIZE * SIZE - 1) bits.put(AC_CODES.get(0x00) ?? 0, AC_CODE_BITS);
}

function bitLength(value: number): number {
  return 32 - Math.clz32(Math.abs(value));
}

/** Bits from the high end of each byte; a byte of ones is followed by a zero. */
class EntropyBits {
  readonly #bytes: number[] = [];
  #held = 0;
  #count = 0;

  put(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.#held = this.#held << 1 | (value >> bit & 1);
      this.#count++;
      if (this.#count < 8) continue;
      this.#bytes.push(this.#held);
      if (this.#held === 0xff) this.#bytes.push(0);
      this.#held = this.#count = 0;
    }
  }

  /** Negative values are written as one less, so that their first bit is 0. */
  putValue(value: number): void {
    const count = bitLength(value);
    this.put(value < 0 ? value + (1 << count) - 1 : value, count);
  }

  end(): Buffer {
    while (this.#count > 0) this.put(1, 1);
    return Buffer.from(this.#bytes);
  }
}

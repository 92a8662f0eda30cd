/**
 * PNG in and out. Writing is done here, straight on zlib, because a small picture has to be on disk within a
 * millisecond; reading, which has to cope with every colour type, is left to fast-png and loaded when first needed.
 */
import { crc32, deflate, deflateSync } from "node:zlib";
import { promisify } from "node:util";
import type { DecodedPng } from "fast-png";

const deflateInPool = promisify(deflate);
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Below this many raw bytes compressing on the spot is quicker than a trip to the thread pool. */
const INLINE_BYTES = 64 * 1024;
const UP_FILTER = 2;

/** 8-bit pixels with `channels` interleaved values each: 3 = RGB, 4 = RGBA. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly bytes: Uint8Array;
  /** The file held shades of grey, which LoadImage reads a little darker. */
  readonly grey?: boolean;
}

/** Text chunks to embed, keyword to value. */
export type PngText = Readonly<Record<string, string>>;

/** Encodes a raster as PNG. `level` is zlib's, 0..9. */
export async function encodePng(raster: Raster, options: { level: number; text?: PngText }): Promise<Buffer> {
  const { width, height, channels } = raster;
  const rows = filterRows(raster);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 4 ? 6 : 2, 0, 0, 0], 8);
  const body = rows.length <= INLINE_BYTES
    ? deflateSync(rows, { level: options.level })
    : await deflateInPool(rows, { level: options.level });
  const text = Object.entries(options.text ?? {}).map(([keyword, value]) =>
    chunk("tEXt", Buffer.from(`${keyword}\0${value}`, "latin1"))
  );
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    ...text,
    chunk("IDAT", body),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Decodes any PNG to 8-bit RGB or RGBA. @throws when the bytes are not a PNG. */
export async function decodePng(bytes: Uint8Array): Promise<Raster> {
  const { decode } = await import("fast-png");
  const png = decode(bytes);
  const { width, height, depth } = png;
  if (depth === 8 && (png.channels === 3 || png.channels === 4) && png.data instanceof Uint8Array) {
    return { width, height, channels: png.channels, bytes: png.data };
  }
  const channels = png.palette !== undefined || png.channels % 2 === 0 ? 4 : 3;
  const out = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const rgba = pixelOf(png, pixel);
    for (let channel = 0; channel < channels; channel++) out[pixel * channels + channel] = rgba[channel] ?? 255;
  }
  return { width, height, channels, bytes: out, grey: png.palette === undefined && png.channels <= 2 && depth <= 8 };
}

function filterRows(raster: Raster): Uint8Array {
  const stride = raster.width * raster.channels;
  const rows = new Uint8Array((stride + 1) * raster.height);
  for (let y = 0; y < raster.height; y++) {
    const from = y * stride;
    const to = y * (stride + 1);
    if (y === 0) {
      rows.set(raster.bytes.subarray(0, stride), 1);
      continue;
    }
    rows[to] = UP_FILTER;
    for (let x = 0; x < stride; x++) {
      rows[to + 1 + x] = (raster.bytes[from + x] ?? 0) - (raster.bytes[from - stride + x] ?? 0);
    }
  }
  return rows;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8);
  return out;
}

function pixelOf(png: DecodedPng, pixel: number): readonly number[] {
  if (png.palette !== undefined) return png.palette[sampleOf(png, pixel)] ?? [0, 0, 0];
  if (png.channels <= 2) {
    const grey = to8Bit(sampleOf(png, pixel * png.channels), png.depth);
    return [grey, grey, grey, png.channels === 2 ? to8Bit(png.data[pixel * 2 + 1] ?? 0, png.depth) : 255];
  }
  const from = pixel * png.channels;
  return Array.from(png.data.subarray(from, from + png.channels), (value) => to8Bit(value, png.depth));
}

function to8Bit(value: number, depth: number): number {
  return depth === 16 ? Math.floor(value / 257) : Math.round(value * 255 / (2 ** depth - 1));
}

/** A stored sample; depths below 8 are packed into bytes, each row starting a new byte. */
function sampleOf(png: DecodedPng, index: number): number {
  if (png.depth >= 8) return png.data[index] ?? 0;
  const perByte = 8 / png.depth;
  const x = index % png.width;
  const rowBytes = Math.ceil(png.width / perByte);
  const byte = png.data[Math.floor(index / png.width) * rowBytes + Math.floor(x / perByte)] ?? 0;
  return (byte >> (8 - png.depth * ((x % perByte) + 1))) & (2 ** png.depth - 1);
}

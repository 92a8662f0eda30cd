// What a WebP or JPEG file says of itself in its head.

export type PictureInfo = { type: "image/webp" | "image/jpeg"; width: number; height: number; channels: number };

/** @throws Error for anything else, and for WebP chunks that no picture begins with. */
export function pictureInfo(bytes: Uint8Array): PictureInfo {
  const buffer = Buffer.from(bytes);
  if (buffer.readUInt16BE(0) === 0xffd8) return jpegInfo(buffer);
  if (buffer.toString("latin1", 0, 4) === "RIFF" && buffer.toString("latin1", 8, 12) === "WEBP") {
    return webpInfo(buffer);
  }
  throw new Error("Cannot read a picture: it is neither WebP nor JPEG");
}

/** The frame header is the first of the segments from C0 to C2. */
function jpegInfo(buffer: Buffer): PictureInfo {
  for (let at = 2; at + 9 < buffer.length; at += 2 + buffer.readUInt16BE(at + 2)) {
    const marker = buffer.readUInt16BE(at);
    if (marker < 0xffc0 || marker > 0xffc2) continue;
    const [height, width] = [buffer.readUInt16BE(at + 5), buffer.readUInt16BE(at + 7)];
    return { type: "image/jpeg", width, height, channels: buffer[at + 9] ?? 0 };
  }
  throw new Error("Cannot read a JPEG: it has no frame header");
}

/** A lossless picture, a lossy one, or a head that says that a lossy one has transparency beside it. */
function webpInfo(buffer: Buffer): PictureInfo {
  const info = (width: number, height: number, alpha: boolean): PictureInfo => ({
    ...{ type: "image/webp", width, height },
    channels: alpha ? 4 : 3,
  });
  switch (buffer.toString("latin1", 12, 16)) {
    case "VP8L": {
      const bits = buffer.readUInt32LE(21);
      return info((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, (bits >>> 28 & 1) === 1);
    }
    case "VP8 ":
      return info(buffer.readUInt16LE(26) & 0x3fff, buffer.readUInt16LE(28) & 0x3fff, false);
    case "VP8X":
      return info(buffer.readUIntLE(24, 3) + 1, buffer.readUIntLE(27, 3) + 1, ((buffer[20] ?? 0) & 0x10) !== 0);
    default:
      throw new Error("Cannot read a WebP: its first chunk is no picture");
  }
}

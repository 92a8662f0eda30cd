/** A square picture of noise as a PNG, which no compression makes smaller. */
import { crc32, deflateSync } from "node:zlib";

function chunk(type: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))), 0);
  return Buffer.concat([head, data, tail]);
}

/** @param side pixels; the file has a little more than three bytes for each pixel */
export function noisePng(side: number, fill: (bytes: Uint8Array) => void): Uint8Array<ArrayBuffer> {
  const rowBytes = side * 3 + 1;
  const rows = new Uint8Array(rowBytes * side);
  fill(rows);
  // Each row begins with its filter: none.
  for (let row = 0; row < side; row += 1) rows[row * rowBytes] = 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = deflateSync(rows, { level: 0 });
  return Uint8Array.from(
    Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", body), chunk("IEND", Buffer.alloc(0))]),
  );
}

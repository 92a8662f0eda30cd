// The pictures that are uploaded in recordings and conformance tests, drawn from formulas so that they are ours.
import { encode } from "fast-png";

type Picture = { width: number; height: number; channels: 3 | 4; at: (x: number, y: number) => number[] };

/** File name → PNG bytes. The formulas and the encoder are fixed, so that the bytes are the same every time. */
export function sourcePictures(): Map<string, Uint8Array> {
  return new Map(Object.entries(PICTURES).map(([name, picture]) => [name, draw(picture)]));
}

/** The picture of the postcard workflow: a sun over hills. */
export function postcardPicture(): Uint8Array {
  return draw({ width: 320, height: 200, channels: 3, at: postcardPixel });
}

const PICTURES: Record<string, Picture> = {
  "gradient.png": { width: 48, height: 32, channels: 3, at: (x, y) => [x * 5, y * 8, (x + y) * 3] },
  "rings.png": {
    width: 32,
    height: 32,
    channels: 3,
    at: (x, y) => {
      const ring = Math.floor(Math.hypot(x - 15.5, y - 15.5)) % 8;
      return [255 - ring * 30, 40 + ring * 12, 200 - ring * 5];
    },
  },
  "alpha.png": { width: 16, height: 16, channels: 4, at: (x, y) => [x * 16, y * 16, 128, (x * y) % 256] },
  "tiny.png": { width: 1, height: 1, channels: 3, at: () => [12, 34, 56] },
};

function draw({ width, height, channels, at }: Picture): Uint8Array {
  const data = new Uint8Array(width * height * channels);
  for (let y = 0, offset = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, offset += channels) data.set(at(x, y), offset);
  }
  return encode({ width, height, channels, depth: 8, data });
}

function postcardPixel(x: number, y: number): number[] {
  const far = 120 + 14 * Math.sin(x / 31) + 6 * Math.sin(x / 11);
  const near = 158 + 18 * Math.sin(x / 47 + 2) + 5 * Math.sin(x / 17);
  if (y > near) return [38 + (y - near) / 3, 58 + (y - near) / 2, 62];
  if (y > far) return [92, 84 + (y - far) / 2, 118 - (y - far) / 2];
  const sun = Math.hypot(x - 214, y - 84);
  if (sun < 26) return [255, 236, 170];
  const glow = Math.max(0, 1 - sun / 150);
  const height = y / 140;
  return [120 + 110 * height + 25 * glow, 150 + 20 * height + 50 * glow, 200 - 70 * height].map((v) =>
    Math.min(255, v)
  );
}

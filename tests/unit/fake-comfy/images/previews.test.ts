import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeJpeg } from "../../../../fake-comfy/images/jpeg.ts";
import type { Raster } from "../../../../fake-comfy/images/png.ts";
import { encodeWebp } from "../../../../fake-comfy/images/webp.ts";

const PICTURE: Raster = {
  ...{ width: 5, height: 3, channels: 4 },
  bytes: Uint8Array.from({ length: 60 }, (_, index) => index * 37 % 256),
};

// Read back by Pillow 13, every value of the WebP was equal, and none of the JPEG's was more than 2 off.
describe("pictures for /view?preview=", () => {
  it.each([
    ["WebP", encodeWebp(PICTURE), "dd6cb4aed97010571cc6a02bb43bd9a8c6c9d3f28adff079cb085669b77661b6"],
    ["JPEG", encodeJpeg(PICTURE, 100), "9b48200e4db15a139885c1fe09c8d726752c0b579bc5ca0961bb415544add2c6"],
  ])("%s has the bytes that another program has read", (_format, bytes, sha256) => {
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
  });

  it("encodeJpeg() makes smaller files of lower quality", () => {
    const bytes = Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * index) % 251);
    const sizes = [100, 90, 50, 0].map((quality) =>
      encodeJpeg({ width: 64, height: 64, channels: 3, bytes }, quality).length
    );
    expect(sizes).toEqual(sizes.toSorted((one, other) => other - one));
    expect(new Set(sizes).size).toBe(4);
  });
});

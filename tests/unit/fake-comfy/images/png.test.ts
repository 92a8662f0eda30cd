import { decode, encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { decodePng, encodePng } from "../../../../fake-comfy/images/png.ts";

const noise = Uint8Array.from({ length: 5 * 4 * 4 }, (_, index) => index * 37 % 251);

describe("encodePng()", () => {
  it.each([3, 4] as const)("encodePng() with %d channels is read back by another decoder", async (channels) => {
    const bytes = noise.subarray(0, 5 * 4 * channels);
    const png = await encodePng({ width: 5, height: 4, channels, bytes }, { level: 4, text: { prompt: "{}" } });
    const read = decode(png);
    expect([read.width, read.height, read.channels, read.text["prompt"]]).toEqual([5, 4, channels, "{}"]);
    expect(Array.from(read.data)).toEqual(Array.from(bytes));
  });

  it("encodePng() of a large picture goes through the thread pool and stays readable", async () => {
    const bytes = new Uint8Array(300 * 300 * 3).fill(9);
    const png = await encodePng({ width: 300, height: 300, channels: 3, bytes }, { level: 1 });
    expect(decode(png).data.every((value) => value === 9)).toBe(true);
  });
});

describe("decodePng()", () => {
  it("decodePng() turns grey with alpha into RGBA", async () => {
    const png = encode({ width: 1, height: 1, channels: 2, depth: 8, data: Uint8Array.from([7, 99]) });
    expect(await decodePng(png)).toMatchObject({ channels: 4, grey: true, bytes: Uint8Array.from([7, 7, 7, 99]) });
  });

  it("decodePng() brings 16 bits down to 8", async () => {
    const png = encode({ width: 1, height: 1, channels: 3, depth: 16, data: Uint16Array.from([0, 257 * 200, 65535]) });
    expect(Array.from((await decodePng(png)).bytes)).toEqual([0, 200, 255]);
  });

  it("decodePng() reads a palette of 4 bits", async () => {
    const palette = [[1, 2, 3], [200, 100, 50]] as [number, number, number][];
    const png = encode({ width: 3, height: 1, channels: 1, depth: 4, data: Uint8Array.from([0x10, 0x10]), palette });
    expect(Array.from((await decodePng(png)).bytes).filter((_, index) => index % 4 === 0)).toEqual([200, 1, 200]);
  });

  it("decodePng() refuses what is no PNG", async () => {
    await expect(decodePng(Buffer.from("junk"))).rejects.toThrow();
  });
});

import { describe, expect, it } from "vitest";
import {
  cropFrame,
  flipFrame,
  frameFromBytes,
  ImageBatch,
  invertFrame,
  mapFrames,
  quantize,
  solidFrame,
} from "../../../../fake-comfy/images/frame.ts";

/** 2 x 2 pixels: 0, 10, 20, 30 in each channel. */
const small = frameFromBytes(
  { width: 2, height: 2 },
  Uint8Array.from([0, 10, 20, 30].flatMap((value) => [value, value, value])),
);
const reds = (bytes: Uint8Array) => Array.from(bytes).filter((_, index) => index % 3 === 0);

describe("quantize()", () => {
  it("quantize() gives back every byte that a picture was read from", () => {
    const bytes = Uint8Array.from({ length: 256 * 3 }, (_, index) => Math.floor(index / 3));
    expect(quantize(frameFromBytes({ width: 256, height: 1 }, bytes))).toEqual(bytes);
  });

  it("quantize() truncates, and clamps what lies outside", () => {
    expect(Array.from(quantize({ width: 1, height: 1, data: Float32Array.from([0.999, -1, 2]) }))).toEqual([
      254,
      0,
      255,
    ]);
  });
});

describe("solidFrame()", () => {
  it("solidFrame() reads 0xRRGGBB", () => {
    expect(Array.from(quantize(solidFrame(1, 1, 0x336699)))).toEqual([0x33, 0x66, 0x99]);
  });
});

describe("invertFrame()", () => {
  it("invertFrame() subtracts from one", () => {
    expect(reds(quantize(invertFrame(solidFrame(2, 1, 0x00ffff))))).toEqual([255, 255]);
    expect(invertFrame(small).data[3]).toBeCloseTo(1 - 10 / 255, 6);
  });
});

describe("flipFrame()", () => {
  it("flipFrame() mirrors rows or columns", () => {
    expect(reds(quantize(flipFrame(small, "vertical")))).toEqual([20, 30, 0, 10]);
    expect(reds(quantize(flipFrame(small, "horizontal")))).toEqual([10, 0, 30, 20]);
  });
});

describe("cropFrame()", () => {
  it("cropFrame() cuts off what reaches over the edge and pulls the corner inside", () => {
    const cut = cropFrame(small, { x: 1, y: 9, width: 5, height: 5 });
    expect([cut.width, cut.height, ...reds(quantize(cut))]).toEqual([1, 1, 30]);
  });
});

describe("mapFrames()", () => {
  it("mapFrames() works an equal frame out once", () => {
    let calls = 0;
    const mapped = mapFrames(new ImageBatch([small, small, small]), (frame) => {
      calls++;
      return invertFrame(frame);
    });
    expect([calls, mapped.frames.length, mapped.frames[0] === mapped.frames[2]]).toEqual([1, 3, true]);
  });
});

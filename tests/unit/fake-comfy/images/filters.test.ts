import { describe, expect, it } from "vitest";
import { bellWeights, blurFrame } from "../../../../fake-comfy/images/blur.ts";
import { frameFromBytes, quantize, solidFrame } from "../../../../fake-comfy/images/frame.ts";
import { cutToProportions, resizeNearest, sizeFor } from "../../../../fake-comfy/images/resize.ts";
import { pyRound } from "../../../../fake-comfy/python.ts";

/** One row of grey pixels. */
function row(...values: number[]) {
  return frameFromBytes({ width: values.length, height: 1 }, Uint8Array.from(values.flatMap((v) => [v, v, v])));
}

const greys = (frame: Parameters<typeof quantize>[0]) => Array.from(quantize(frame)).filter((_, i) => i % 3 === 0);

describe("blurFrame()", () => {
  it("bellWeights() are symmetric, highest in the middle, with the sum 1", () => {
    const weights = Array.from(bellWeights(2, 0.5));
    expect(weights).toEqual(weights.toReversed());
    expect(Math.max(...weights)).toBe(weights[2]);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
  });

  it("mirrors the border without repeating the edge", () => {
    const [left = 0, middle = 0] = bellWeights(1, 1);
    const { data } = blurFrame(
      { width: 2, height: 2, data: new Float32Array(12).map((_, i) => i < 3 ? 1 : 0) },
      bellWeights(1, 1),
    );
    expect(data[0]).toBeCloseTo(middle * middle);
    // Its two neighbours to each side are the same pixel, the first.
    expect(data[3]).toBeCloseTo(2 * left * middle);
  });

  it("leaves a flat picture as it is", () => {
    const blurred = blurFrame(solidFrame(9, 9, 0x808080), bellWeights(4, 2));
    expect(blurred.data.every((value) => Math.abs(value - 128 / 255) < 1e-6)).toBe(true);
  });
});

describe("resizeNearest()", () => {
  it("takes the pixel whose area holds the centre, up and down", () => {
    expect(greys(resizeNearest(row(10, 20, 30), { width: 6, height: 1 }))).toEqual([10, 10, 20, 20, 30, 30]);
    expect(greys(resizeNearest(row(10, 20, 30, 40), { width: 2, height: 1 }))).toEqual([20, 40]);
    expect(greys(resizeNearest(row(10, 20, 30), { width: 2, height: 1 }))).toEqual([10, 30]);
  });

  it("sizeFor() works a missing side out, and leaves a size of nothing alone", () => {
    expect(sizeFor({ width: 48, height: 32 }, { width: 0, height: 13 })).toEqual({ width: 20, height: 13 });
    expect(sizeFor({ width: 1000, height: 1 }, { width: 4, height: 0 })).toEqual({ width: 4, height: 1 });
    expect(sizeFor({ width: 48, height: 32 }, { width: 0, height: 0 })).toBeNull();
  });

  it("cutToProportions() cuts the same from both sides", () => {
    expect(greys(cutToProportions(row(1, 2, 3, 4, 5), { width: 1, height: 1 }))).toEqual([3]);
  });

  it("pyRound() rounds halves to the even neighbour", () => {
    expect([0.5, 1.5, 2.5, -1.5, 2.4, 2.6].map(pyRound)).toEqual([0, 2, 2, -2, 2, 3]);
  });
});

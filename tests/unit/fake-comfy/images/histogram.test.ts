import { describe, expect, it } from "vitest";
import { frameFromBytes, quantize, solidFrame } from "../../../../fake-comfy/images/frame.ts";
import { applyTable, cumulativeShares, matchingTable } from "../../../../fake-comfy/images/histogram.ts";

function gradient(from: number) {
  const bytes = Uint8Array.from({ length: 64 * 3 }, (_, index) => from + Math.floor(index / 3));
  return frameFromBytes({ width: 64, height: 1 }, bytes);
}

describe("matchingTable()", () => {
  it("matchingTable() moves one gradient onto another", () => {
    const source = gradient(10);
    const table = matchingTable(cumulativeShares([source]), cumulativeShares([gradient(100)]));
    expect(quantize(applyTable(source, table, 1))).toEqual(quantize(gradient(100)));
  });

  it("matchingTable() of equal histograms changes nothing", () => {
    const source = gradient(30);
    const shares = cumulativeShares([source]);
    expect(quantize(applyTable(source, matchingTable(shares, shares), 1))).toEqual(quantize(source));
  });
});

describe("applyTable()", () => {
  it("applyTable() goes half way with strength 0.5", () => {
    const black = solidFrame(2, 2, 0x000000);
    const table = matchingTable(cumulativeShares([black]), cumulativeShares([solidFrame(2, 2, 0xffffff)]));
    expect(quantize(applyTable(black, table, 0.5))[0]).toBe(127);
    expect(quantize(applyTable(black, table, 1))[0]).toBe(255);
  });
});

import { describe, expect, it } from "vitest";
import { gpuName } from "../../../../proxy/attempts/gpu-name.ts";

const device = (name: string, type = "cuda") => ({ name, type, vramTotalBytes: null });

describe("gpuName()", () => {
  it.each([
    ["cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync", "NVIDIA GeForce RTX 4090"],
    ["cuda:1 AMD Radeon RX 7900 XTX : native", "AMD Radeon RX 7900 XTX"],
    ["cuda:0 A : B 40GB", "A : B 40GB"],
    ["mps", "mps"],
    ["A card", "A card"],
  ])("of '%s' is '%s'", (name, expected) => {
    expect(gpuName([device("cpu", "cpu"), device(name)])).toBe(expected);
  });

  it("is null without a GPU", () => {
    expect(gpuName([])).toBeNull();
    expect(gpuName([device("cpu", "cpu")])).toBeNull();
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median, percentile } from "../../bench/statistics.ts";

describe("percentile", () => {
  it("percentile() interpolates between the nearest ranks", () => {
    expect(percentile([40, 10, 30, 20], 0.5)).toBe(25);
    expect(percentile([40, 10, 30, 20], 0)).toBe(10);
    expect(percentile([40, 10, 30, 20], 1)).toBe(40);
    expect(percentile([0, 100], 0.95)).toBeCloseTo(95);
    expect(percentile([7], 0.95)).toBe(7);
  });

  it("percentile() lies between the extremes, rises with the share, and leaves the samples as they are", () => {
    const samples = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(fc.property(samples, share, share, (values, a, b) => {
      const before = [...values];
      const [low, high] = [percentile(values, Math.min(a, b)), percentile(values, Math.max(a, b))];
      expect(low).toBeLessThanOrEqual(high + 1e-6);
      expect(low).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
      expect(high).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      expect(values).toEqual(before);
    }));
  });

  it("percentile() refuses no samples and shares outside 0..1", () => {
    expect(() => percentile([], 0.5)).toThrow("no samples");
    for (const share of [-0.1, 1.1, NaN]) expect(() => percentile([1], share)).toThrow(RangeError);
  });

  it("median() is the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
  });
});

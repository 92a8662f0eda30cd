import { describe, expect, it } from "vitest";
import { isMet, jsonLine, type Measurement, table } from "../../bench/measurement.ts";

const wall: Measurement = { bench: "job/deno", metric: "wall_p50", value: 15, unit: "ms", baseline: 10, goal: 20 };
const rate: Measurement = {
  ...{ bench: "bytes/deno", metric: "passing_rate", value: 450, unit: "MB/s", baseline: 600 },
  ...{ goal: 360, goalIs: "at_least" },
};
const disk: Measurement = { bench: "disk", metric: "fsync_p50", value: 0.2468, unit: "ms", baseline: 0 };

describe("measurement", () => {
  it("jsonLine() has the six keys in order, and the goal where there is one", () => {
    expect(jsonLine(wall)).toBe(
      '{"bench":"job/deno","metric":"wall_p50","value":15,"unit":"ms","baseline":10,"ratio":1.5,"goal":20}',
    );
    expect(jsonLine(rate)).toBe(
      '{"bench":"bytes/deno","metric":"passing_rate","value":450,"unit":"MB/s","baseline":600,"ratio":0.75,' +
        '"goal":360,"goalIs":"at_least"}',
    );
    expect(jsonLine(disk)).toBe(
      '{"bench":"disk","metric":"fsync_p50","value":0.25,"unit":"ms","baseline":0,"ratio":null}',
    );
  });

  it("isMet() holds a value to its goal, bound included", () => {
    expect(isMet(wall)).toBe(true);
    expect(isMet({ ...wall, value: 20 })).toBe(true);
    expect(isMet({ ...wall, value: 20.01 })).toBe(false);
    expect(isMet({ ...rate, value: 360 })).toBe(true);
    expect(isMet({ ...rate, value: 359.9 })).toBe(false);
    expect(isMet(disk)).toBe(true);
  });

  it("table() says of each goal whether it is met, and by how much it is missed", () => {
    const lines = table([wall, { ...wall, value: 23.5 }, disk, rate, { ...rate, value: 340 }]).split("\n");
    expect(lines[0]).toMatch(/^job\/deno +wall_p50 +15\.00 ms +baseline 10\.00 ms +× 1\.50 +goal ≤ 20\.0 ms: met$/);
    expect(lines[1]).toMatch(/goal ≤ 20\.0 ms: missed by 3\.5 ms$/);
    expect(lines[2]).toMatch(/^disk +fsync_p50 +0\.25 ms +baseline 0\.00 ms$/);
    expect(lines[3]).toMatch(/goal ≥ 360\.0 MB\/s: met$/);
    expect(lines[4]).toMatch(/goal ≥ 360\.0 MB\/s: missed by 20\.0 MB\/s$/);
  });
});

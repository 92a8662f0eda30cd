import { describe, expect, it } from "vitest";
import { parseRange } from "../../../../proxy/assets/byte-range.ts";

describe("parseRange()", () => {
  it.each([
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=2-5", { start: 2, end: 5 }],
    ["bytes=2-", { start: 2, end: 9 }],
    ["bytes=-3", { start: 7, end: 9 }],
    ["bytes=-10", { start: 0, end: 9 }],
    ["bytes=-99", { start: 0, end: 9 }],
    ["bytes=9-99", { start: 9, end: 9 }],
    ["Bytes = 1 - 2 ", { start: 1, end: 2 }],
  ])("parseRange() reads %s", (header, range) => expect(parseRange(header, 10)).toEqual(range));

  it.each([null, "", "bytes", "items=0-1", "bytes=0-1,3-4", "bytes=0-1,"])("parseRange() ignores %s", (header) => {
    expect(parseRange(header, 10)).toBe("whole");
  });

  it.each([
    "bytes=10-",
    "bytes=10-11",
    "bytes=5-2",
    "bytes=-0",
    "bytes=-",
    "bytes=",
    "bytes=a-b",
    "bytes=1.5-2",
    "bytes=--1",
    "bytes=99999999999999999999-",
  ])(
    "parseRange() cannot satisfy %s",
    (header) => expect(parseRange(header, 10)).toBe("unsatisfiable"),
  );

  it("parseRange() cannot satisfy any range of an empty file", () => {
    expect(["bytes=0-", "bytes=-1", "bytes=0-0"].map((header) => parseRange(header, 0))).toEqual(
      ["unsatisfiable", "unsatisfiable", "unsatisfiable"],
    );
  });
});

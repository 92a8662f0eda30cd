import { describe, expect, it } from "vitest";
import { parseRange } from "../../../../contracts/http/byte-range.ts";

describe("parseRange()", () => {
  it.each<[string | undefined, ReturnType<typeof parseRange>]>([
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=2-5", { start: 2, end: 5 }],
    ["bytes=2-", { start: 2, end: 9 }],
    ["bytes=2-99", { start: 2, end: 9 }],
    ["bytes=-3", { start: 7, end: 9 }],
    ["bytes=-99", { start: 0, end: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-2", null],
    ["bytes=0-1,3-4", null],
    ["items=0-1", null],
    ["bytes=-", null],
    ["BYTES=0-1", { start: 0, end: 1 }],
    ["bytes= 0-1", { start: 0, end: 1 }],
    ["bytes=1", null],
    ["bytes=a-b", null],
    ["bytes=0-1x", null],
    ["bytes=99999999999999999999-", "unsatisfiable"],
    [undefined, null],
  ])("of %s in ten bytes is %j", (header, expected) => expect(parseRange(header, 10)).toEqual(expected));

  it("of an empty file is unsatisfiable, unless it asks for the last bytes", () => {
    expect([parseRange("bytes=0-", 0), parseRange("bytes=-0", 0), parseRange("bytes=-5", 0)])
      .toEqual(["unsatisfiable", "unsatisfiable", null]);
  });
});

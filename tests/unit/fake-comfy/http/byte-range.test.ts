import { describe, expect, it } from "vitest";
import { parseRange } from "../../../../fake-comfy/http/byte-range.ts";

describe("parseRange()", () => {
  it.each([
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=2-", { first: 2, last: 9 }],
    ["bytes=2-99", { first: 2, last: 9 }],
    ["bytes=-3", { first: 7, last: 9 }],
    ["bytes=-99", { first: 0, last: 9 }],
  ])("parseRange(%s) of ten bytes", (header, range) => expect(parseRange(header, 10)).toEqual(range));

  it.each(["bytes=10-", "bytes=5-2", "bytes=-0", "bytes=-", "junk", "bytes=0-1,3-4"])(
    "parseRange(%s) cannot be satisfied",
    (header) => expect(parseRange(header, 10)).toBe("unsatisfiable"),
  );

  it("parseRange() without a header is null", () => expect(parseRange(undefined, 10)).toBeNull());
});

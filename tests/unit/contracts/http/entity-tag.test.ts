import { describe, expect, it } from "vitest";
import { matchesAny } from "../../../../contracts/http/entity-tag.ts";

describe("matchesAny()", () => {
  it.each<[string | undefined, boolean]>([
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['W/"zz",W/"a"', true],
    ["*", true],
    ['"b"', false],
    ["a", false],
    ['w/"a"', false],
    ["", false],
    [undefined, false],
  ])("of %s is %j", (header, expected) => expect(matchesAny(header, '"a"')).toBe(expected));
});

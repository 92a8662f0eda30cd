import { describe, expect, it } from "vitest";
import { pyContains, pyEquals, pyFloat, pyRepr, toBool, toFloat, toInt } from "../../../fake-comfy/python.ts";

describe("pyRepr()", () => {
  it.each([
    [null, "None"],
    [true, "True"],
    ["it's", '"it\'s"'],
    ["a\nb", "'a\\nb'"],
    [[1, "x"], "[1, 'x']"],
    [{ a: null }, "{'a': None}"],
  ])("pyRepr(%j) is %s", (value, text) => expect(pyRepr(value)).toBe(text));
});

describe("toInt()", () => {
  it.each([["12", 12], [" -3 ", -3], ["1_000", 1000], [8.9, 8], [true, 1]])("toInt(%j) is %d", (value, number) => {
    expect(toInt(value)).toBe(number);
  });

  it("toInt() refuses text, None and dicts with Python's words", () => {
    expect(() => toInt("abc")).toThrow("invalid literal for int() with base 10: 'abc'");
    expect(() => toInt(null)).toThrow("not 'NoneType'");
    expect(() => toInt({})).toThrow("not 'dict'");
  });
});

describe("toFloat()", () => {
  it("toFloat() reads exponents and refuses hexadecimal", () => {
    expect(toFloat("1e-3")).toBe(0.001);
    expect(() => toFloat("0x10")).toThrow("could not convert string to float: '0x10'");
  });
});

describe("pyFloat()", () => {
  it("pyFloat() keeps the decimal point of whole numbers", () => {
    expect([pyFloat(11), pyFloat(0.5)]).toEqual(["11.0", "0.5"]);
  });
});

describe("toBool()", () => {
  it("toBool() is false for empty containers", () => {
    expect([[], {}, "", 0, null].map(toBool)).toEqual([false, false, false, false, false]);
    expect([[0], { a: 0 }, "0", 1].map(toBool)).toEqual([true, true, true, true]);
  });
});

describe("pyContains()", () => {
  it("pyContains() looks into text, lists and dicts, and throws for numbers", () => {
    expect(pyContains("a prompt", "prompt")).toBe(true);
    expect(pyContains(["prompt"], "prompt")).toBe(true);
    expect(pyContains({ other: 1 }, "prompt")).toBe(false);
    expect(() => pyContains(5, "prompt")).toThrow("argument of type 'int' is not iterable");
  });
});

describe("pyEquals()", () => {
  it("pyEquals() compares dicts without regard to order", () => {
    expect(pyEquals({ a: [1, { b: null }], c: 2 }, { c: 2, a: [1, { b: null }] })).toBe(true);
    expect(pyEquals({ a: 1 }, { b: 1 })).toBe(false);
  });
});

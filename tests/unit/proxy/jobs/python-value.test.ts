import { describe, expect, it } from "vitest";
import { pythonFloat, pythonInt } from "../../../../proxy/jobs/python-value.ts";
import { cpuMs } from "../../../support/cpu-time.ts";

describe("pythonFloat()", () => {
  it.each([
    ["1", 1],
    [" -1_000.5e-1_0 ", -1_000.5e-10],
    ["1.", 1],
    ["1_0.", 10],
    [".5", 0.5],
    ["+1_2.3_4E5", 12.34e5],
    ["-Infinity", -Infinity],
    [`1${"0".repeat(399)}`, Infinity],
  ])("reads %j", (text, number) => {
    expect(pythonFloat(text)).toBe(number);
  });

  it.each(["", ".", "1__0", "_1", "1_", "1._5", "1e", "1.5.5", "1x", "e5", `1${"0".repeat(400)}`])(
    "reads no number in %j",
    (text) => {
      expect(pythonFloat(text)).toBe(null);
    },
  );
});

describe("pythonInt()", () => {
  it.each([["1", 1], [" +1_000 ", 1_000], ["-7", -7]])("reads %j", (text, number) => {
    expect(pythonInt(text)).toBe(number);
  });

  it.each(["", "1.0", "1__0", "_1", "1_", "1".repeat(401)])("reads no number in %j", (text) => {
    expect(pythonInt(text)).toBe(null);
  });
});

const N = 1_000_000;
const HOSTILE = ["1", "1_", "_1", " ", "1.", "1e", "inf"].map((part) => part.repeat(N / part.length));

describe.each([["pythonFloat()", pythonFloat], ["pythonInt()", pythonInt]])("%s", (_, read) => {
  it("takes under 50 ms for a million characters", () => {
    for (const text of HOSTILE) {
      for (const whole of [text, `${text}x`, `1${text}x`]) {
        expect(cpuMs(() => read(whole))).toBeLessThan(50);
      }
    }
  });

  it("reads 400 characters in no time, however they could be split", () => {
    for (const text of HOSTILE) {
      const tookMs = cpuMs(() => {
        for (let time = 0; time < 1_000; time++) read(`${text.slice(0, 399)}x`);
      });
      expect(tookMs).toBeLessThan(500);
    }
  });
});

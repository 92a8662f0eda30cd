import { describe, expect, it } from "vitest";
import { spanOfTime } from "../../../cli/span-of-time.ts";

describe("spanOfTime()", () => {
  const read = spanOfTime("60s", "24h");

  it.each([["60s", 60_000], ["15m", 900_000], ["2h", 7_200_000], ["1d", 86_400_000]])("reads %s", (text, ms) => {
    expect(read(text)).toBe(ms);
  });

  it.each(["59s", "25h", "15", "m", "", "1.5h", "-5m", "15 m x"])("refuses '%s'", (text) => {
    expect(() => read(text)).toThrow("Expected a time from 60s to 24h");
  });
});

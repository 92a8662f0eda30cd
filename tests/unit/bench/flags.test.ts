import { describe, expect, it } from "vitest";
import { parseFlags } from "../../bench/flags.ts";

describe("parseFlags", () => {
  it("parseFlags() has defaults for everything", () => {
    expect(parseFlags([])).toEqual({ json: false, real: false, rounds: 150 });
    expect(parseFlags(["job", "--json", "--real", "--rounds", "3"])).toEqual({ json: true, real: true, rounds: 3 });
  });

  it("parseFlags() refuses what it does not know", () => {
    expect(() => parseFlags(["tunnel"])).toThrow("there is only 'job'");
    expect(() => parseFlags(["--fast"])).toThrow("--fast");
    for (const rounds of ["0", "1001", "2.5", "many"]) {
      expect(() => parseFlags(["--rounds", rounds])).toThrow("expected 1 to 1000");
    }
  });
});

import { describe, expect, it } from "vitest";
import { parseFlags } from "../../bench/flags.ts";

describe("parseFlags", () => {
  it("parseFlags() has defaults for everything", () => {
    expect(parseFlags([])).toEqual({ part: "job", json: false, strict: false, real: false, rounds: 150, quick: false });
    expect(parseFlags(["job", "--json", "--real", "--rounds", "3"])).toMatchObject({
      json: true,
      real: true,
      rounds: 3,
    });
    expect(parseFlags(["edge", "--json", "--quick"])).toMatchObject({ part: "edge", json: true, quick: true });
    expect(parseFlags(["v2", "--real", "--quick"])).toMatchObject({ part: "v2", real: true, quick: true, rounds: 60 });
    expect(parseFlags(["tailnet", "--quick"])).toMatchObject({ part: "tailnet", quick: true, rounds: 100 });
    for (const part of ["job", "edge", "v2", "tailnet"]) {
      expect(parseFlags([part, "--strict"])).toMatchObject({ part, strict: true });
    }
  });

  it("parseFlags() refuses what it does not know", () => {
    expect(() => parseFlags(["tunnel"])).toThrow("there are only 'job', 'edge', 'v2' and 'tailnet'");
    expect(() => parseFlags(["job", "edge"])).toThrow("two parts");
    expect(() => parseFlags(["--fast"])).toThrow("--fast");
    for (const rounds of ["0", "1001", "2.5", "many"]) {
      expect(() => parseFlags(["--rounds", rounds])).toThrow("expected 1 to 1000");
    }
  });

  it("parseFlags() refuses flags of the other part", () => {
    expect(() => parseFlags(["--quick"])).toThrow("bench 'job' with --quick");
    expect(() => parseFlags(["edge", "--real"])).toThrow("bench 'edge' with --real");
    expect(() => parseFlags(["edge", "--rounds", "3"])).toThrow("bench 'edge' with --rounds");
    expect(() => parseFlags(["tailnet", "--real"])).toThrow("bench 'tailnet' with --real");
  });
});

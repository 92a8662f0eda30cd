import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { parseServiceInput } from "../../../../contracts/services/parse-input.ts";

const IMAGE = { __type: "core/ASSET", info: { id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv" } };

function parse(input: unknown) {
  return parseServiceInput("fastwan2.2-5b", input);
}

function refusal(input: unknown): FleetError {
  try {
    parse(input);
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
  throw new Error("the input was accepted");
}

describe("parseServiceInput() of fastwan2.2-5b", () => {
  it("fills in every default but the seed", () => {
    const { negativePrompt, ...input } = parse({ prompt: "a ladybug" });
    expect(input).toEqual({
      prompt: "a ladybug",
      width: 1_280,
      height: 704,
      length: 121,
      fps: 24,
      steps: 8,
      cfg: 1,
      shift: 8,
      loraStrength: 1.1,
    });
    expect(negativePrompt).toMatch(/^色调艳丽/);
  });

  it.each<[field: string, good: unknown[], bad: unknown[]]>([
    ["prompt", ["x", "ü".repeat(10_000)], ["", " \n", "x".repeat(10_001), "\ud800", 1, null, ["x"], {}]],
    ["negativePrompt", ["", "blurry"], [null, 7, "\udc00", "x".repeat(10_001)]],
    ["image", [IMAGE], [
      "cat.png",
      "/etc/passwd",
      {},
      { ...IMAGE, path: "x" },
      {
        __type: "core/ASSET",
        info: { id: "../x" },
      },
      { __type: "core/ASSET", info: { ...IMAGE.info, url: "http://x" } },
      ["56", 0],
    ]],
    ["width", [32, 960, 1_280], [0, 31, 33, 1_281, 1_312, 32.5, "960", -32, Number.NaN, Infinity]],
    ["height", [32, 544, 704, 1_280], [16, 720, 1_312]],
    ["length", [1, 5, 81, 121], [0, 2, 4, 120, 122, 125, -3, 5.5, "81"]],
    ["fps", [1, 24, 29.97, 120], [0, 0.5, 121, "24", Number.NaN]],
    ["seed", [0, 7, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53, 1e300, "7", null]],
    ["steps", [3, 8], [2, 9, 4.5]],
    ["cfg", [1, 5, 10], [0, 0.9, 10.5]],
    ["shift", [1, 5, 20], [0, 21]],
    ["loraStrength", [1, 1.05, 1.1], [0.9, 1.2]],
  ])("holds %s to its range", (field, good, bad) => {
    for (const value of good) expect(parse({ prompt: "x", [field]: value })).toHaveProperty(field, value);
    for (const value of bad) {
      const error = refusal({ prompt: "x", [field]: value });
      expect(error).toMatchObject({ code: "invalid_input", hint: expect.any(String) });
      expect(error.message).toMatch(new RegExp(`^Cannot run service 'fastwan2.2-5b': '${field}`));
    }
  });

  it("says that a frame count is 4n+1", () => {
    expect(refusal({ prompt: "x", length: 120 }).message).toContain("4n+1");
  });

  it("refuses unknown fields and says which one may be meant", () => {
    const error = refusal({ prompt: "x", negative_prompt: "y", resolution: 1 });
    expect(error).toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("There is no field 'negative_prompt', 'resolution'"),
      hint: expect.stringMatching(/^Did you mean 'negativePrompt'\? Fields are prompt, negativePrompt, image/),
    });
  });

  it.each([[undefined], [null], ["text"], [7], [[]], [[{ prompt: "x" }]], [true]])("refuses %j", (input) => {
    expect(refusal(input).code).toBe("invalid_input");
  });

  it("answers long foreign words with short messages", () => {
    const error = refusal({ prompt: "x", ["k".repeat(100_000)]: 1, width: "w".repeat(100_000) });
    expect(JSON.stringify(error.toEnvelope()).length).toBeLessThan(3_000);
  });

  it("refuses or takes whatever it is given, and never fails otherwise", () => {
    const value = fc.oneof(fc.anything(), fc.constantFrom(IMAGE, "x", 32, 5, 1, -0, 1e21));
    const fields = [
      "prompt",
      "negativePrompt",
      "image",
      "width",
      "height",
      "length",
      "fps",
      "seed",
      "steps",
      "__proto__",
    ];
    const input = fc.oneof(fc.anything(), fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), value));
    fc.assert(
      fc.property(input, (given) => {
        try {
          const parsed = parse(given);
          expect(parsed.length % 4).toBe(1);
          expect([parsed.width % 32, parsed.height % 32]).toEqual([0, 0]);
        } catch (error) {
          expect(FleetError.is(error) ? error.code : error).toBe("invalid_input");
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

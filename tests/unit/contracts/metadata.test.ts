import fc from "fast-check";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { ListJobs } from "../../../contracts/edge/inputs.ts";
import { SubmitOptions } from "../../../contracts/job.ts";
import { Metadata, metadataProblem } from "../../../contracts/metadata.ts";

const KEY_LETTERS = "ABCXYZabcxyz0189_.-".split("");
const RESERVED = ["__proto__", "constructor", "prototype"];

const goodKey = fc.string({ unit: fc.constantFrom(...KEY_LETTERS), minLength: 1, maxLength: 40 })
  .filter((key) => !RESERVED.includes(key));
/** One line of any script, short enough whatever its letters take. */
const goodValue = fc.string({ unit: "grapheme", maxLength: 30 })
  .filter((text) => new TextEncoder().encode(text).byteLength <= 256)
  .filter((text) => !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text));
const good = fc.dictionary(goodKey, goodValue, { maxKeys: 16, noNullPrototype: true });

describe("Metadata", () => {
  it("takes every record within its bounds, unchanged, and it survives the wire", () => {
    fc.assert(fc.property(good, (metadata) => {
      expect(metadataProblem(metadata)).toBeNull();
      expect(Metadata.parse(metadata)).toEqual(metadata);
      expect(SubmitOptions.parse({ metadata }).metadata).toEqual(metadata);
      expect(superjson.parse(superjson.stringify(metadata))).toEqual(metadata);
    }));
  });

  it("refuses every record with one pair out of bounds, and any other value", () => {
    const unsafe = fc.constantFrom(
      "\u0000",
      "\n",
      "\u001f",
      "\u007f",
      "\u009f",
      "\u202a",
      "\u202e",
      "\u2066",
      "\u2069",
      "\ud800",
    );
    const badValue = fc.oneof(
      fc.tuple(goodValue, unsafe, goodValue).map((parts) => parts.join("")),
      fc.constant("x".repeat(257)),
      fc.constant("é".repeat(129)),
      fc.constant("🙂".repeat(65)),
      fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.array(fc.string())),
    );
    const badKey = fc.constantFrom("", "a b", "ä", "a/b", "x".repeat(41), "a\n", "__proto__", "constructor");
    const bad = fc.oneof(
      fc.tuple(goodKey, badValue).map(([key, value]) => [key, value] as const),
      fc.tuple(badKey, goodValue).map(([key, value]) => [key, value] as const),
    );
    fc.assert(fc.property(good, bad, (metadata, pair) => {
      const mixed: unknown = Object.fromEntries([...Object.entries(metadata), pair]);
      expect(metadataProblem(mixed)).toEqual(expect.any(String));
      expect(() => Metadata.parse(mixed)).toThrow(expect.objectContaining({ code: "metadata_invalid", status: 422 }));
    }));
    for (const other of [null, 1, "a", [], [["a", "b"]], new Map([["a", "b"]]), () => 1]) {
      expect(metadataProblem(other)).toEqual(expect.any(String));
    }
  });

  it("holds values of exactly 256 bytes and 16 pairs, and says in few words what is too much", () => {
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, "é".repeat(128)]));
    expect(metadataProblem(pairs(16))).toBeNull();
    expect(metadataProblem(pairs(17))).toBe("it has 17 pairs, at most 16");
    expect(metadataProblem({ ["x".repeat(100_000)]: "1" })?.length).toBeLessThan(200);
  });

  it("filters by three pairs at most", () => {
    const metadata = { a: "1", b: "2", c: "3" };
    expect(ListJobs.parse({ metadata }).metadata).toEqual(metadata);
    expect(() => ListJobs.parse({ metadata: { ...metadata, d: "4" } }))
      .toThrow(expect.objectContaining({ code: "invalid_metadata_filter" }));
  });
});

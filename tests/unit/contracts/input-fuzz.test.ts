import fc from "fast-check";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FleetError } from "../../../contracts/errors.ts";
import { deserializeInput } from "../../../contracts/foreign-input.ts";
import { SubmitJob } from "../../../contracts/job.ts";
import { cpuMs } from "../../support/cpu-time.ts";

const MAX_CHARS = 64 * 1024;
const MAX_MS = 200;

const key = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "prototype", "toString", "length", "a", "0", "", "a.b", "c\\d", "image"),
  fc.string({ maxLength: 8 }),
);
const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, "NaN", "Infinity", "-0", "../x", "\0", 2 ** 60, 0.5, 1, "x".repeat(20_000)),
  fc.string({ maxLength: 20 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.tuple(fc.constantFrom("1", "2", "constructor", "toString"), fc.integer({ max: 2 })),
    fc.array(tie("value"), { maxLength: 4 }),
    // `fromEntries` makes `__proto__` a key as JSON.parse does.
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    fc.constant({ __type: "core/ASSET", info: { id: "asset_x" } }),
    fc.integer({ max: 20_000, min: 1 }).map((depth) => `<deep ${depth}>`),
    fc.integer({ max: 8_000, min: 1 }).map((length) => Array.from({ length }, () => 1)),
  ),
}));

const inputs = fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));
const node = fc.oneof(
  { weight: 5, arbitrary: fc.record({ class_type: fc.constantFrom("A", "B", "constructor"), inputs }) },
  { weight: 1, arbitrary: value },
);
const workflow = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(fc.tuple(fc.oneof(fc.constantFrom("1", "2", "3"), key), node), { minLength: 1, maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  },
  { weight: 1, arbitrary: value },
);

/** Paths that lead somewhere, and paths that do not. */
const path = fc.oneof(
  fc.array(fc.oneof(fc.constantFrom("spec", "workflow", "1", "inputs"), key), { maxLength: 6 })
    .map((keys) => keys.join(".")),
  fc.tuple(fc.constantFrom("1", "2"), key).map(([id, field]) => `spec.workflow.${id}.inputs.${field}`),
  fc.integer({ max: 20_000 }).map((length) => "a.".repeat(Math.max(0, length))),
);
const type = fc.oneof(
  fc.constantFrom<unknown>("undefined", "number", "Date", "map", "set", "URL", "regexp", "Error", "bigint", null, 1),
  fc.constantFrom<unknown>(["class", "X"], ["symbol", "x"], ["custom", "x"], ["typed-array", "Uint8Array"]),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    type.map((one) => [one]),
    fc.dictionary(path, tie("tree"), { maxKeys: 4 }),
    fc.tuple(type, fc.dictionary(path, tie("tree"), { maxKeys: 2 })),
    value,
  ),
}));
const equalities = fc.dictionary(path, fc.array(path, { maxLength: 20 }), { maxKeys: 20 });
const meta = fc.record(
  { values: tree, referentialEqualities: fc.oneof(equalities, value), v: fc.constantFrom<unknown>(0, 1, 2, "1", null) },
  { requiredKeys: [] },
);
const envelope = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      { json: workflow.map((graph) => ({ spec: { kind: "workflow", workflow: graph } })), meta },
      { requiredKeys: ["json"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ json: value, meta: value }) },
  { weight: 1, arbitrary: value },
);

/** JSON text, with lists nested deeper than JSON.stringify can write. */
function written(one: unknown): string {
  return JSON.stringify(one).replaceAll(
    /"<deep (\d+)>"/g,
    (_, depth: string) => "[".repeat(Number(depth)) + "]".repeat(Number(depth)),
  );
}

/** Accepts the text or refuses it with a typed error. */
function take(text: string, accepted: () => void): void {
  try {
    const request = SubmitJob.parse(deserializeInput(JSON.parse(text)));
    accepted();
    superjson.serialize(request);
  } catch (error) {
    if (!FleetError.is(error) && !(error instanceof z.ZodError)) throw error;
    if (FleetError.is(error)) superjson.serialize(error.toEnvelope());
  }
}

const RUNS = 400;

describe("deserializeInput() and parseWorkflow()", () => {
  it("accept what can be sent on, or throw a typed error, in under 200 ms", () => {
    let accepted = 0;
    const input = envelope.map(written).filter((text) => text.length <= MAX_CHARS);
    fc.assert(
      fc.property(input, (text) => {
        const tookMs = () => cpuMs(() => take(text, () => accepted++));
        // A collection of garbage may fall into one; what is slow by itself is slow twice.
        expect(tookMs() < MAX_MS || tookMs() < MAX_MS).toBe(true);
      }),
      { numRuns: RUNS },
    );
    // Few are: enough to know that the property saw both ways out.
    expect(accepted).toBeGreaterThan(0);
  }, 60_000);
});

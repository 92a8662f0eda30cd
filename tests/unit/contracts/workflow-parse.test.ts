import superjson from "superjson";
import { describe, expect, it } from "vitest";
import { FleetError } from "../../../contracts/errors.ts";
import { parseWorkflow } from "../../../contracts/workflow-parse.ts";
import { cpuMs } from "../../support/cpu-time.ts";

function refusal(value: unknown): FleetError {
  try {
    parseWorkflow(value);
  } catch (error) {
    if (FleetError.is(error)) {
      // An answer that cannot be sent would be a 500.
      superjson.serialize(error.toEnvelope());
      return error;
    }
    throw error;
  }
  throw new Error("the graph was accepted");
}

const node = (inputs: unknown = {}) => ({ class_type: "X", inputs });

describe("parseWorkflow()", () => {
  it.each(["__proto__", "constructor", "prototype"])("refuses the node id %s and names it", (id) => {
    const error = refusal(JSON.parse(`{"1":{"class_type":"X"},"${id}":{"class_type":"X","inputs":{"a":["9",0]}}}`));
    expect(error.code).toBe("invalid_workflow");
    expect(error.message).toContain(`'${id}'`);
  });

  it.each(["__proto__", "constructor", "prototype"])("refuses the key %s at any depth of the inputs", (key) => {
    for (const inputs of [`{"${key}":1}`, `{"a":{"${key}":1}}`, `{"a":[{"b":[{"${key}":1}]}]}`]) {
      const error = refusal(JSON.parse(`{"7":{"class_type":"X","inputs":${inputs}}}`));
      expect(error.code).toBe("invalid_workflow");
      expect(error.message).toContain("node '7'");
      expect(error.details).toEqual({ nodeErrors: { 7: [{ field: expect.any(String), reason: expect.any(String) }] } });
    }
  });

  it("blames nodes whose ids objects have already", () => {
    const error = refusal({ toString: node({ a: ["9", 0] }), valueOf: node({ a: ["9", 0], b: 2 ** 60 }) });
    expect(Object.keys(error.details?.nodeErrors ?? {})).toEqual(["valueOf"]);
    expect(Object.keys(parseWorkflow({ toString: node(), hasOwnProperty: node() }))).toEqual([
      "toString",
      "hasOwnProperty",
    ]);
    expect(refusal({ toString: node({ a: ["9", 0] }) }).details).toEqual({
      nodeErrors: { toString: [{ field: "a", reason: expect.stringContaining("'9'") }] },
    });
  });

  it.each([["a URL", new URL("http://x/")], ["a Map", new Map()], ["a Date", new Date()], [
    "an Error",
    new Error("x"),
  ]])(
    "refuses %s as graph, node, inputs and value",
    (_, value) => {
      expect(refusal(value).code).toBe("invalid_workflow");
      expect(refusal({ 1: Object.assign(value, { class_type: "X" }) }).message).toContain("node '1'");
      expect(refusal({ 1: node(value) }).message).toContain("node '1'");
      expect(refusal({ 1: node({ a: value }) }).message).toContain("node '1'");
    },
  );

  it("refuses a graph that unfolds to more than a million values, in bounded time", () => {
    let shared: unknown = 1;
    for (let level = 0; level < 30; level++) shared = [shared, shared];
    const tookMs = cpuMs(() => {
      expect(refusal({ 1: node({ a: shared }), 2: node({ a: shared }) }).message).toContain("1000000 values");
    });
    expect(tookMs).toBeLessThan(2_000);
  });

  it("refuses values nested deeper than 32 levels, however deep", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    expect(refusal({ 1: node({ a: deep }) }).message).toContain("deeper than 32 levels");
  });

  it("takes names of 300 characters and refuses longer ones, without repeating them whole", () => {
    const longest = "n".repeat(300);
    expect(Object.keys(parseWorkflow({ [longest]: { class_type: longest, inputs: { [longest]: 1 } } }))).toEqual([
      longest,
    ]);
    const tooLong = "n".repeat(100_000);
    for (const graph of [{ [tooLong]: node() }, { 1: { class_type: tooLong } }, { 1: node({ [tooLong]: 1 }) }]) {
      const error = refusal(graph);
      expect(error.message).toContain("longer than 300 characters");
      expect(JSON.stringify(error.toEnvelope()).length).toBeLessThan(1_000);
    }
  });

  it("names the first five steps of a long cycle", () => {
    const ids = Array.from({ length: 10_000 }, (_, at) => `step-${at}`);
    const error = refusal(Object.fromEntries(ids.map((id, at) => [id, node({ a: [ids[(at + 1) % 10_000], 0] })])));
    expect(error.message).toContain("step-0 → step-1 → step-2 → step-3 → step-4 → … and 9996 more");
    expect(refusal({ a: node({ x: ["b", 0] }), b: node({ x: ["a", 0] }) }).message).toContain("(a → b → a)");
  });

  it("blames at most 50 nodes and 10 inputs of each", () => {
    const faults = (fault: unknown) =>
      Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`input-${at}`, fault]));
    for (const fault of [Number.NaN, ["nowhere".repeat(1_000), 0]]) {
      const graph = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`node-${at}`, node(faults(fault))]));
      const error = refusal(graph);
      const nodeErrors = Object.values(error.details?.nodeErrors ?? {}) as unknown[][];
      expect(nodeErrors.map((problems) => problems.length)).toEqual(Array.from({ length: 50 }, () => 10));
      expect(JSON.stringify(error.toEnvelope()).length).toBeLessThan(150_000);
    }
  });
});

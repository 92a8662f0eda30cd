import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import superjson from "superjson";
import { describe, expect, it } from "vitest";
import type { AgentContext } from "../../../contracts/agent/ports.ts";
import { agentRouter } from "../../../contracts/agent/router.ts";
import type { EdgeContext } from "../../../contracts/edge/ports.ts";
import { edgeRouter } from "../../../contracts/edge/router.ts";
import { ErrorEnvelope, FleetError } from "../../../contracts/errors.ts";
import { deserializeInput } from "../../../contracts/foreign-input.ts";
import { SubmitJob } from "../../../contracts/job.ts";
import type { Workflow } from "../../../contracts/workflow.ts";
import { cpuMs } from "../../support/cpu-time.ts";

/** As it comes out of a request's body. */
function received(input: unknown): unknown {
  return deserializeInput(JSON.parse(JSON.stringify(superjson.serialize(input))));
}

function refusal(envelope: unknown): FleetError {
  try {
    deserializeInput(envelope);
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
  throw new Error("the input was accepted");
}

function workflowOf(request: SubmitJob | undefined): Workflow | undefined {
  return request?.spec.kind === "workflow" ? request.spec.workflow : undefined;
}

/** Each of `levels` arrays stands in all `fan` places of the one before: `fan ** levels` values in little text. */
function bomb(levels: number, fan: number): string {
  const inputs: Record<string, unknown> = {};
  const referentialEqualities: Record<string, string[]> = {};
  for (let level = 0; level < levels; level++) {
    inputs[`a${level}`] = Array.from({ length: fan }, () => null);
    if (level + 1 === levels) break;
    referentialEqualities[`spec.workflow.1.inputs.a${level + 1}`] = Array.from(
      { length: fan },
      (_, place) => `spec.workflow.1.inputs.a${level}.${place}`,
    );
  }
  const spec = { kind: "workflow", workflow: { 1: { class_type: "X", inputs } } };
  return JSON.stringify({ json: { spec }, meta: { referentialEqualities, v: 1 } });
}

describe("deserializeInput()", () => {
  it.each([
    ["plain values", { a: [1, "b", null, true, { c: {} }] }],
    ["no input", undefined],
    ["undefined inside", { a: undefined, b: [undefined, 1] }],
    ["numbers that JSON lacks", { "a.b": { "c\\d": [Number.NaN, Infinity, -Infinity, -0] } }],
    ["a number alone", Number.NaN],
    ["keys that are empty or numbers", { "": { "0": Number.NaN }, "1": [[undefined]] }],
  ])("reads %s as superjson wrote it", (_, input) => {
    expect(received(input)).toEqual(input);
    expect(Object.is(received(-0), -0)).toBe(true);
  });

  it("reads a graph that uses one object twice as two equal ones", () => {
    const link = ["1", 0];
    const input = { a: link, b: link, c: { d: [link] } };
    const read = received(input);
    expect(read).toEqual(input);
    expect((read as typeof input).a).not.toBe((read as typeof input).b);
  });

  it("reads the paths of old superjson versions, which write no version", () => {
    expect(deserializeInput({ json: { "a.b": { "c\\d": "NaN" } }, meta: { values: { "a\\.b.c\\d": ["number"] } } }))
      .toEqual({ "a.b": { "c\\d": Number.NaN } });
  });

  it("takes 2 KB that superjson unfolds to millions of values in under 200 ms, and without sharing", () => {
    const text = bomb(12, 6);
    expect(text.length).toBeLessThan(4_000);
    const read: SubmitJob[] = [];
    expect(cpuMs(() => read.push(SubmitJob.parse(deserializeInput(JSON.parse(text)))))).toBeLessThan(200);
    expect(workflowOf(read[0])?.["1"]?.inputs.a0).toEqual([null, null, null, null, null, null]);
  });

  it("is linear in the length of a path that many annotations share", () => {
    const path = Array.from({ length: 20_000 }, () => "a").join(".");
    let json: unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, null]));
    const leaves = Object.fromEntries(Object.keys(json as object).map((key) => [key, ["undefined"]]));
    for (let level = 0; level < 20_000; level++) json = { a: json };
    expect(cpuMs(() => deserializeInput({ json, meta: { values: { [path]: leaves }, v: 1 } }))).toBeLessThan(1_000);
  });

  it.each([["Date", "2020-01-01"], ["URL", "http://x/"], ["Error", {}], ["regexp", "/(a+)+$/"], ["bigint", "1"]])(
    "refuses a value annotated as %s and says where it is",
    (type, value) => {
      const error = refusal({ json: { at: value }, meta: { values: { at: [type] }, v: 1 } });
      expect(error).toMatchObject({ code: "invalid_input", hint: expect.stringContaining("plain JSON") });
      expect(error.message).toContain(`'at' is annotated as '${type}'`);
    },
  );

  it.each([
    ["sets", { a: ["set"] }],
    ["maps", { a: ["map", { "0.1": ["undefined"] }] }],
    ["typed arrays", { a: [["typed-array", "Uint8Array"]] }],
    ["classes", { a: [["class", "X"]] }],
    ["custom values", { a: [["custom", "X"]] }],
    ["a number that is none of the four", { a: ["number"] }],
    ["no type", { a: [] }],
    ["a key that json lacks", { b: ["undefined"] }],
    ["an inherited key", { "toString.x": ["undefined"] }],
    ["a prototype", { "__proto__.x": ["undefined"], "constructor.prototype": ["undefined"] }],
    ["the length of an array", { "a.length": ["undefined"] }],
    ["an index past the array", { "a.9": ["undefined"] }],
    ["a bad escape", { "a\\x": ["undefined"] }],
    ["a tree of numbers", { a: 1 }],
    ["a tree of null", { a: null }],
    ["a number as tree", 7],
    ["a text as tree", "undefined"],
  ])("refuses annotations of %s", (_, values) => {
    expect(refusal({ json: { a: [0] }, meta: { values, v: 1 } }).code).toBe("invalid_input");
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  it.each(["null", "1", '"text"', "[]", '{"json":1,"meta":1}', '{"json":1,"meta":[]}', '{"json":1,"meta":{"v":"1"}}'])(
    "refuses %s as an envelope",
    (envelope) => {
      expect(refusal(JSON.parse(envelope)).code).toBe("invalid_input");
    },
  );

  it("reads what is nested a hundred thousand deep without a stack of its own", () => {
    const depth = 100_000;
    const json: unknown = JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
    expect(Array.isArray(deserializeInput({ json }))).toBe(true);
  });
});

describe("edgeRouter and agentRouter", () => {
  async function post(router: typeof edgeRouter | typeof agentRouter, path: string, body: string) {
    const caller = { keyId: "key_01jd8qf2e0f0x8j3m5p7q9s1tv", tenantId: "tenant_01jd8qf2e0f0x8j3m5p7q9s1tv" };
    const response = await fetchRequestHandler({
      endpoint: "/trpc",
      req: new Request(`http://edge/trpc/${path}`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      }),
      router,
      createContext: () =>
        ({ requestId: "req-1", caller: { ...caller, scopes: ["admin"] } }) as unknown as EdgeContext & AgentContext,
    });
    const { error } = await response.json() as { error: never };
    const { data } = superjson.deserialize<{ data: { fleet: unknown } }>(error);
    return { status: response.status, error: ErrorEnvelope.parse(data.fleet) };
  }

  it.each([
    ["jobs.submit", edgeRouter],
    ["jobs.cancel", edgeRouter],
    ["attempts.start", agentRouter],
    ["pod.beat", agentRouter],
  ])("answers malformed meta to %s with invalid_input", async (path, router) => {
    for (const meta of ['{"values":{"a":["Date"]},"v":1}', '{"values":{"x.y":["map"]}}', "7"]) {
      expect(await post(router, path, `{"json":{"a":"b"},"meta":${meta}}`))
        .toMatchObject({
          status: 400,
          error: { code: "invalid_input", message: expect.stringMatching(/meta|annotated/) },
        });
    }
    expect(await post(router, path, "null")).toMatchObject({ status: 400, error: { code: "invalid_input" } });
  });

  it("answers a megabyte of unknown keys in a few kilobytes", async () => {
    const input = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`unknown-key-${at}`, 1]));
    const answer = await post(edgeRouter, "jobs.submit", JSON.stringify({ json: input }));
    expect(answer).toMatchObject({ status: 400, error: { code: "invalid_input" } });
    expect(JSON.stringify(answer).length).toBeLessThan(5_000);
  });
});

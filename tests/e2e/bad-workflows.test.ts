/** Every workflow and number that an edge refuses, by name, over HTTP against both runtimes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, ask, postText, submitRaw } from "../support/fleet/http.ts";
import { EDGE_RUNTIMES, startTestFleet, type TestFleet } from "../support/fleet/fleet.ts";
import { leaksOf } from "../support/fleet/leaks.ts";
import { quick } from "../support/fleet/workflows.ts";

const MIB = 1024 * 1024;

const image = (inputs: Record<string, unknown>) => ({
  "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 1, ...inputs } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
});
const saved = (filename_prefix: string) => ({
  "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 1 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix } },
});
const loaded = (name: string) => ({
  "1": { class_type: "LoadImage", inputs: { image: name } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
});
const inverts = (first: string, second: string) => ({
  [first]: { class_type: "ImageInvert", inputs: { image: [second, 0] } },
  [second]: { class_type: "ImageInvert", inputs: { image: [first, 0] } },
  "9": { class_type: "SaveImage", inputs: { images: [first, 0], filename_prefix: "x" } },
});

/** Name, graph, code, and what the message must say. */
const REFUSED: [name: string, workflow: unknown, code: string, says: RegExp][] = [
  ["a UI-format workflow", { nodes: [{ id: 1, type: "EmptyImage" }], links: [] }, "workflow_format_ui", /UI format/],
  ["an unknown class", { "1": { class_type: "NoSuchNode", inputs: {} } }, "invalid_workflow", /class 'NoSuchNode'/],
  ["an empty graph", {}, "invalid_workflow", /no nodes/],
  ["a cyclic graph", inverts("3", "4"), "invalid_workflow", /cycle/],
  ["a graph that ends nowhere", { "1": image({})["1"] }, "invalid_workflow", /output/],
  ["a list", [], "invalid_workflow", /a list/],
  ["text", "workflow.json", "invalid_workflow", /a string/],
  ["nothing", null, "invalid_workflow", /null/],
  ["a graph wrapped in prompt", { prompt: quick() }, "invalid_workflow", /wrapped/],
  ["a node without class", { "1": { inputs: {} } }, "invalid_workflow", /node '1'.*class_type/],
  ["a link to no node", saved("x")["2"] && { "2": saved("x")["2"] }, "invalid_workflow", /does not exist/],
  ["a missing input", { ...image({}), "2": { class_type: "SaveImage", inputs: {} } }, "invalid_workflow", /images/],
  ["a value out of range", image({ width: 0 }), "invalid_workflow", /width/],
  ["a value of another type", image({ width: "wide" }), "invalid_workflow", /width/],
  ["2^53", image({ color: 2 ** 53 }), "invalid_workflow", /outside ±\(2\^53−1\)/],
  ["−2^53", image({ color: -(2 ** 53) }), "invalid_workflow", /outside ±\(2\^53−1\)/],
  ["NaN", image({ color: Number.NaN }), "invalid_workflow", /NaN/],
  ["Infinity", image({ color: Number.POSITIVE_INFINITY }), "invalid_workflow", /Infinity/],
  ["−Infinity", image({ color: Number.NEGATIVE_INFINITY }), "invalid_workflow", /Infinity/],
  ["../ in filename_prefix", saved("../../escape"), "invalid_workflow", /filename_prefix|leaves its folder/],
  [".. in the middle", saved("a/../../escape"), "invalid_workflow", /leaves its folder/],
  ["an absolute filename_prefix", saved("/etc/escape"), "invalid_workflow", /leaves its folder/],
  ["a backslash at the start", saved("\\\\host\\share"), "invalid_workflow", /leaves its folder/],
  ["..\\ in filename_prefix", saved("..\\escape"), "invalid_workflow", /leaves its folder/],
  ["a drive letter", saved("C:\\escape"), "invalid_workflow", /leaves its folder/],
  ["../ in a file name", loaded("../secret.png"), "invalid_workflow", /leaves its folder/],
  ["an absolute file name", loaded("/etc/passwd"), "invalid_workflow", /leaves its folder/],
  ["a file that nobody uploaded", loaded("nowhere.png"), "invalid_workflow", /nowhere\.png|image/],
  [
    "an asset that does not exist",
    {
      ...loaded(""),
      "1": {
        class_type: "LoadImage",
        inputs: { image: { __type: "core/ASSET", info: { id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv" } } },
      },
    },
    "missing_asset",
    /does not exist/,
  ],
];

describe.each(EDGE_RUNTIMES)("bad workflows at an edge on %s", (runtime) => {
  let fleet: TestFleet;
  const statusOf: Record<string, number> = {};

  beforeAll(async () => {
    fleet = await startTestFleet({ runtime });
    const { ERROR_CODES } = await import("../../contracts/errors.ts");
    for (const [code, { status }] of Object.entries(ERROR_CODES)) statusOf[code] = status;
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  async function jobCount(): Promise<number> {
    return (await fleet.client.trpc.jobs.list.query({ limit: 100 })).items.length;
  }

  function expectTyped(answer: Answer, code: string, says: RegExp): void {
    expect(answer.error, answer.text).toMatchObject({
      code,
      message: expect.stringMatching(says),
      hint: expect.stringMatching(/\S/),
      retryable: false,
      requestId: answer.headers.get("x-request-id"),
    });
    expect(answer.error?.message).toMatch(/^Cannot /);
    expect(answer.status).toBe(statusOf[code]);
    expect(leaksOf(answer.text, fleet.dataDir)).toEqual([]);
  }

  it.each(REFUSED)("%s is refused, and no job is made", async (...[, workflow, code, says]) => {
    const before = await jobCount();
    expectTyped(await submitRaw(fleet, { workflow }), code, says);
    expect(await jobCount()).toBe(before);
  });

  it("the SDK refuses them with the same codes", async () => {
    for (const [name, workflow, code] of REFUSED) {
      const refused = fleet.client.run(workflow as ReturnType<typeof quick>).submitted;
      // There a text names a service.
      const expected = typeof workflow === "string" ? "not_found" : code;
      await expect(refused, name).rejects.toMatchObject({ code: expected });
    }
  });

  it.each([
    ["cut off", '{"json":{"spec":'],
    ["with a literal NaN", '{"json":{"spec":{"kind":"workflow","workflow":{"1":NaN}}}}'],
    ["with a literal Infinity", '{"json":{"spec":{"kind":"workflow","workflow":{"1":Infinity}}}}'],
    ["that is no JSON at all", "workflow"],
  ])("a body %s is invalid_json", async (_name, body) => {
    const answer = await postText(`${fleet.baseUrl}/trpc/jobs.submit`, body, fleet.apiKey);
    expectTyped(answer, "invalid_json", /JSON/);
  });

  it("a number that JSON reads as Infinity, or without its last digits, is refused", async () => {
    for (const number of ["1e400", "9007199254740993", "-9007199254740993"]) {
      const workflow = JSON.stringify(image({ color: "HERE" })).replace('"HERE"', number);
      const body = `{"json":{"spec":{"kind":"workflow","workflow":${workflow}}}}`;
      const answer = await postText(`${fleet.baseUrl}/trpc/jobs.submit`, body, fleet.apiKey);
      expect(answer.error, number).toMatchObject({ code: "invalid_workflow", details: { nodeErrors: { "1": [{}] } } });
    }
    const largest = await submitRaw(fleet, { workflow: image({ color: 2 ** 53 - 1 }) });
    expect(largest.error?.message).not.toContain("2^53");
  });

  it.each([
    ["no input", "{}"],
    ["an unknown kind", '{"json":{"spec":{"kind":"sorcery","workflow":{}}}}'],
    [
      "an unknown option",
      `{"json":{"spec":{"kind":"workflow","workflow":${JSON.stringify(quick())}},"options":{"x":1}}}`,
    ],
    [
      "an unknown priority",
      `{"json":{"spec":{"kind":"workflow","workflow":${JSON.stringify(quick())}},"options":{"priority":"now"}}}`,
    ],
    ["prototype keys", '{"json":{"spec":{"kind":"workflow","workflow":{"__proto__":{"class_type":"x"}}}}}'],
  ])("a request with %s is a typed error", async (_name, body) => {
    const answer = await postText(`${fleet.baseUrl}/trpc/jobs.submit`, body, fleet.apiKey);
    expect(answer.error, answer.text).not.toBeNull();
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(leaksOf(answer.text, fleet.dataDir)).toEqual([]);
  });

  it("a workflow over 4 MiB is payload_too_large, with and without a content-length", async () => {
    const workflow = { "1": { class_type: "PrimitiveString", inputs: { value: "x".repeat(4 * MIB) } } };
    expectTyped(await submitRaw(fleet, { workflow }), "payload_too_large", /at most 4194304$/);
    const body = new Blob([JSON.stringify({ json: { spec: { kind: "workflow", workflow } } })]).stream();
    const chunked = await ask(`${fleet.baseUrl}/trpc/jobs.submit`, {
      ...{ method: "POST", body, duplex: "half", key: fleet.apiKey },
      headers: { "content-type": "application/json" },
    });
    expectTyped(chunked, "payload_too_large", /at most 4194304$/);
    expect(await jobCount()).toBe(0);
  });

  it("a workflow just under 4 MiB is taken", async () => {
    const value = "x".repeat(4 * MIB - 500);
    const workflow = {
      "1": { class_type: "PrimitiveString", inputs: { value } },
      "2": { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    };
    const answer = await submitRaw(fleet, { workflow });
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  });
});

describe.each(EDGE_RUNTIMES)("a smaller MAX_WORKFLOW_BYTES on %s", (runtime) => {
  let fleet: TestFleet;
  beforeAll(async () => {
    fleet = await startTestFleet({ runtime, agentStarted: false, env: { MAX_WORKFLOW_BYTES: "2048" } });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  it("is the limit, to the byte of the graph", async () => {
    const padded = (bytes: number) => {
      const workflow = { "1": { class_type: "PrimitiveString", inputs: { value: "" } } };
      workflow["1"].inputs.value = "x".repeat(bytes - JSON.stringify(workflow).length);
      return workflow;
    };
    expect((await submitRaw(fleet, { workflow: padded(2048) })).status).toBe(200);
    const over = await submitRaw(fleet, { workflow: padded(2049) });
    expect(over.status).toBe(413);
    expect(over.error).toMatchObject({ code: "payload_too_large", hint: expect.any(String) });
  });
});

import { describe, expect, it } from "vitest";
import { judgeGraph } from "../../../../proxy/jobs/judge-graph.ts";
import { deriveNeeds } from "../../../../proxy/jobs/needs.ts";
import { createCapabilities, isCapable, lackingOf } from "../../../../proxy/scheduler/capability.ts";
import { plan } from "../../../../proxy/scheduler/policy.ts";
import { canvasGraph, infoWithout, modelGraph, recordedInfo } from "../jobs/graph-fixtures.ts";
import { livePod, queued } from "./planner-fixture.ts";

const info = recordedInfo();
const body = { sha256: "body", info };

describe("lackingOf()", () => {
  it("finds the pod capable that has every class and model", () => {
    expect(isCapable(lackingOf(deriveNeeds(modelGraph("tiny_sd20.safetensors"), [info]), body))).toBe(true);
  });

  it("names classes and model files that are not there", () => {
    const needs = deriveNeeds(modelGraph("big.safetensors"), []);
    expect(lackingOf(needs, { sha256: "other", info: infoWithout("KSampler") })).toEqual({
      refused: false,
      classes: ["KSampler"],
      models: [{ classType: "UNETLoader", input: "unet_name", name: "big.safetensors" }],
    });
  });

  it("ignores a name that was taken for a model, on a pod where its input is free text", () => {
    const models = [{ classType: "SaveImage", input: "filename_prefix", name: "a.bin" }];
    expect(isCapable(lackingOf({ classes: ["SaveImage"], models }, body))).toBe(true);
  });

  it("finds a body incapable that refused the graph, and no other", () => {
    const needs = deriveNeeds(canvasGraph(), [info], ["other"]);
    expect(isCapable(lackingOf(needs, body))).toBe(true);
    expect(lackingOf(needs, { sha256: "other", info })).toEqual({ refused: true, classes: [], models: [] });
  });
});

describe("createCapabilities()", () => {
  const needs = new Map([["key", deriveNeeds(modelGraph("tiny_sd20.safetensors"), [info])]]);

  it("reads a body once for a placement key, and nothing while answering", async () => {
    const reads: string[] = [];
    const capabilities = createCapabilities({
      objectInfo: {
        get: (sha256) => {
          reads.push(sha256);
          return Promise.resolve(sha256 === "unknown" ? null : info);
        },
      },
    });
    expect(capabilities.lookup("key", "body")).toBeNull();
    for (let round = 0; round < 2; round++) await capabilities.prepare(needs, new Set(["body"]));
    await capabilities.prepare(needs, new Set(["unknown"]));
    expect(capabilities.lookup("key", "body")).toEqual({ refused: false, classes: [], models: [] });
    expect(capabilities.lookup("key", "unknown")).toBeNull();
    expect(reads).toEqual(["body", "unknown"]);
  });

  it("reads a new body before any job asks for it", async () => {
    let reads = 0;
    const get = () => {
      reads += 1;
      return Promise.resolve(info);
    };
    const capabilities = createCapabilities({ objectInfo: { get } });
    for (let round = 0; round < 2; round++) await capabilities.prepare(new Map(), new Set(["body"]));
    expect(reads).toBe(1);
  });

  it("forgets rather than grow past its capacity", async () => {
    const capabilities = createCapabilities({ objectInfo: { get: () => Promise.resolve(info) }, capacity: 2 });
    await capabilities.prepare(needs, new Set(["a", "b", "c"]));
    expect(["a", "b", "c"].map((sha256) => capabilities.lookup("key", sha256) !== null)).toEqual([false, false, true]);
  });
});

describe("a fleet of two ComfyUI versions", () => {
  const strict = recordedInfo({
    EmptyImage: { input: { required: { width: ["INT", { min: 16 }] } }, output: ["IMAGE"] },
  });
  const bodies = [{ sha256: "strict", info: strict }, { sha256: "body", info }];
  const pods = [livePod(1, { objectInfoSha256: "strict", freeSlots: 4 }), livePod(2), livePod(3, { accepting: false })];

  /** The plan for a graph that was judged when both bodies were known, which arrive in either order. */
  async function planFor(width: number, order: <T>(items: T[]) => T[]) {
    const workflow = canvasGraph({ width });
    const { refusedBy } = judgeGraph(workflow, order(bodies));
    const key = deriveNeeds(workflow, order(bodies).map((one) => one.info), refusedBy);
    const capabilities = createCapabilities({
      objectInfo: { get: (sha256) => Promise.resolve(bodies.find((one) => one.sha256 === sha256)?.info ?? null) },
    });
    await capabilities.prepare(new Map([["key", key]]), new Set(bodies.map((one) => one.sha256)));
    const { assignments, waiting } = plan({
      pods: order(pods),
      queue: order([queued(1), queued(2)]),
      lacking: capabilities.lookup,
    });
    return { assigned: assignments.map(({ jobId, podId }) => [jobId, podId]), waiting: [...waiting] };
  }

  it("gives a graph that one refuses to the other only, and the rest waits", async () => {
    const planned = await planFor(8, (items) => items);
    expect(planned.assigned).toEqual([[queued(1).id, livePod(2).id]]);
    expect(planned.waiting).toEqual([
      [queued(2).id, { reason: "pods_busy", message: "Pod 'gpu-2' can run it, but has no free slot." }],
    ]);
    expect(await planFor(8, (items) => items.toReversed())).toEqual(planned);
  });

  it("gives a graph that both accept to either", async () => {
    expect((await planFor(16, (items) => items)).assigned).toHaveLength(2);
  });
});

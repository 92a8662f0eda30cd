import { describe, expect, it } from "vitest";
import { nodesToRun } from "../../../../agent/attempts/run-nodes.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";

const graph: Workflow = {
  a: { class_type: "Source", inputs: {} },
  b: { class_type: "Source", inputs: {} },
  c: { class_type: "Mix", inputs: { one: ["a", 0], two: ["b", 0], gone: ["nowhere", 0] } },
  save: { class_type: "Save", inputs: { images: ["c", 0] } },
  loose: { class_type: "Source", inputs: {} },
};
const run = (outputClasses: string[] | null, cached: string[] = []) =>
  [...nodesToRun(graph, { outputClasses: outputClasses && new Set(outputClasses), cached: new Set(cached) })]
    .toSorted();

describe("nodesToRun()", () => {
  it("starts at the output classes", () => expect(run(["Save"])).toEqual(["a", "b", "c", "save"]));
  it("starts at nodes that feed no other when the classes are unknown", () => {
    expect(run(null)).toEqual(["a", "b", "c", "loose", "save"]);
  });
  it("stops at cached nodes", () => expect(run(["Save"], ["c"])).toEqual(["save"]));
  it("is empty when all is cached", () => expect(run(["Save"], ["save", "c", "a", "b"])).toEqual([]));
});

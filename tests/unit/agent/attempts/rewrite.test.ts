import { describe, expect, it } from "vitest";
import { promptIdOf } from "../../../../agent/attempts/prompt-id.ts";
import { rewriteWorkflow } from "../../../../agent/attempts/rewrite.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { newOrder } from "./service-bench.ts";

const { attemptId } = newOrder();
const rewrite = (workflow: Workflow, names: [string, string][] = []) =>
  rewriteWorkflow(workflow, { attemptId, stagedNames: new Map(names) });

describe("rewriteWorkflow()", () => {
  it("puts every filename_prefix below the attempt's folder, marks linked ones and leaves the rest alone", () => {
    const graph: Workflow = {
      "1": { class_type: "Save", inputs: { filename_prefix: "a/b", images: ["2", 0], text: "filename_prefix" } },
      "2": { class_type: "Save", inputs: { filename_prefix: ["3", 0] } },
      "3": { class_type: "Text", inputs: { value: "x" }, _meta: { title: "Prefix" } },
    };
    const before = structuredClone(graph);
    expect(rewrite(graph)).toEqual({
      ...graph,
      "1": { ...graph["1"], inputs: { ...graph["1"]?.inputs, filename_prefix: `${attemptId}/a/b` } },
      "2": { ...graph["2"], inputs: { filename_prefix: ["3", 0], comfyfleet_attempt: attemptId } },
    });
    expect(graph).toEqual(before);
  });

  it("puts the staged file in an asset's place", () => {
    const reference = { __type: "core/ASSET", info: { id: "asset_1" } };
    const graph: Workflow = { "1": { class_type: "Load", inputs: { image: reference } } };
    expect(rewrite(graph, [["asset_1", "att/0.png"]])["1"]?.inputs.image).toBe("att/0.png");
    expect(() => rewrite(graph)).toThrow(/asset_1/);
  });

  it.each(["../x", "/x", "a/../../x", "C:\\x"])("refuses the prefix %s", (prefix) => {
    expect(() => rewrite({ "1": { class_type: "Save", inputs: { filename_prefix: prefix } } })).toThrow(
      /leaves its folder/,
    );
  });
});

describe("promptIdOf()", () => {
  it("is a canonical UUID, the same each time, another for another attempt", () => {
    expect(promptIdOf(attemptId)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(promptIdOf(attemptId)).toBe(promptIdOf(attemptId));
    expect(promptIdOf(attemptId)).not.toBe(promptIdOf(newOrder().attemptId));
  });
});

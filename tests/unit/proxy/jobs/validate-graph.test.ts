import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";
import { type GraphVerdict, isFaultless, validateGraph } from "../../../../proxy/jobs/validate-graph.ts";
import { canvasGraph, modelGraph, recordedInfo, validationCases, workflowFixture } from "./graph-fixtures.ts";

const info = recordedInfo();

/** What submit would see: the graph refused while parsed, or the verdict. */
function judge(graph: unknown): FleetError | GraphVerdict {
  try {
    return validateGraph(parseWorkflow(graph), info);
  } catch (error) {
    if (FleetError.is(error)) return error;
    throw error;
  }
}

function reasons(workflow: Workflow, classes: Record<string, unknown> = {}): Record<string, string[]> {
  const { nodeErrors } = validateGraph(workflow, recordedInfo(classes));
  return Object.fromEntries(
    Object.entries(nodeErrors).map(([nodeId, problems]) => [nodeId, problems.map((p) => `${p.field}: ${p.reason}`)]),
  );
}

/** Node and input of every fault, as ComfyUI or we name them. */
function faultyFields(errors: Record<string, { field: string }[]>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(errors).map(([nodeId, problems]) => [nodeId, problems.map(({ field }) => field).toSorted()]),
  );
}

describe("validateGraph() agrees with a real ComfyUI", () => {
  // Partial targets are a key of ComfyUI's request, which nothing of ours sends.
  for (const { name, graph, status, answer } of validationCases.filter((one) => one.body === undefined)) {
    const accepted = status === 200 && Object.keys(answer.node_errors).length === 0;
    const modelsOnly = name === "model that does not exist";
    it(`on "${name}"`, () => {
      const verdict = judge(graph);
      if (FleetError.is(verdict)) {
        expect(accepted).toBe(false);
        return;
      }
      expect(isFaultless(verdict)).toBe(accepted || modelsOnly);
      expect(verdict.missingModels.length > 0).toBe(modelsOnly);
      const named = Object.values(answer.node_errors).flatMap((node) => node.errors);
      if (modelsOnly || !named.every((error) => error.extra_info.input_name !== undefined)) return;
      expect(faultyFields(verdict.nodeErrors)).toEqual(faultyFields(
        answer.error?.type === "missing_node_type" ? { "1": [{ field: "class_type" }] } : Object.fromEntries(
          Object.entries(answer.node_errors).map(([nodeId, { errors }]) => [
            nodeId,
            errors.map((error) => ({ field: error.extra_info.input_name ?? "" })),
          ]),
        ),
      ));
    });
  }

  for (const name of ["image", "color-transfer", "ksampler", "text"]) {
    it(`accepts the workflow ${name}.json`, () => {
      expect(validateGraph(workflowFixture(name), info)).toEqual({
        unknownClasses: [],
        graphError: null,
        nodeErrors: {},
        missingModels: [],
        namesFile: false,
      });
    });
  }
});

describe("validateGraph()", () => {
  it("names the class that a body lacks, and nothing else", () => {
    const workflow = canvasGraph({ width: 0 });
    workflow["3"] = { class_type: "NoSuchNode", inputs: {} };
    const verdict = validateGraph(workflow, info);
    expect(verdict.unknownClasses).toEqual(["NoSuchNode"]);
    expect(Object.keys(verdict.nodeErrors)).toEqual(["3"]);
  });

  it("does not look at nodes that no output depends on, as ComfyUI does not", () => {
    const workflow = canvasGraph();
    workflow["3"] = { class_type: "EmptyImage", inputs: { width: 0 } };
    expect(isFaultless(validateGraph(workflow, info))).toBe(true);
  });

  it("reports an absent model file apart from errors", () => {
    expect(validateGraph(modelGraph("other.safetensors"), info)).toMatchObject({
      nodeErrors: {},
      missingModels: [{ nodeId: "1", classType: "UNETLoader", input: "unet_name", name: "other.safetensors" }],
    });
  });

  it("takes any name for a model where every choice is one", () => {
    expect(validateGraph(modelGraph("other"), info).missingModels).toHaveLength(1);
  });

  it("refuses a plain file name for an upload, because the folder is shared", () => {
    const verdict = validateGraph(workflowFixture("invert-upload"), info);
    expect(verdict.namesFile).toBe(true);
    expect(verdict.nodeErrors["1"]).toMatchObject([{ field: "image", reason: expect.stringContaining("picture.png") }]);
  });

  it("takes an asset reference for an upload", () => {
    const workflow = workflowFixture("invert-upload");
    workflow["1"] = {
      class_type: "LoadImage",
      inputs: { image: { __type: "core/ASSET", info: { id: "asset_00041061050r3gg28a1c60t3gf" } } },
    };
    expect(isFaultless(validateGraph(workflow, info))).toBe(true);
  });

  it("refuses to link an input that reads a file", () => {
    const workflow = workflowFixture("invert-upload");
    workflow["4"] = { class_type: "PrimitiveString", inputs: { value: "other-tenant.png" } };
    workflow["1"] = { class_type: "LoadImage", inputs: { image: ["4", 0] } };
    expect(reasons(workflow)["1"]?.[0]).toContain("cannot be linked");
  });

  it("refuses an asset for a number", () => {
    const width = { __type: "core/ASSET", info: { id: "asset_00041061050r3gg28a1c60t3gf" } };
    expect(reasons(canvasGraph({ width }))).toEqual({ "1": ["width: A file cannot stand for INT"] });
  });

  it("reads numbers as Python reads them", () => {
    for (const width of [" 1_0 ", "+8", true, 8.9, { __value__: 8 }]) {
      expect(reasons(canvasGraph({ width })), JSON.stringify(width)).toEqual({});
    }
    for (const width of ["8.0", "0x10", "1__0", "", "Infinity", { __value__: [8] }]) {
      expect(Object.keys(reasons(canvasGraph({ width }))), JSON.stringify(width)).toEqual(["1"]);
    }
  });

  it("does not show lists of files to a caller", () => {
    const files = ["secret-of-another-tenant.png", "b.png"];
    const reader = { input: { required: { file: [files] } }, output: ["STRING"], output_node: true };
    const workflow = parseWorkflow({ "1": { class_type: "ReadFile", inputs: { file: "c.png" } } });
    expect(reasons(workflow, { ReadFile: reader })).toEqual({ "1": ['file: "c.png" is none of the 2 choices'] });
  });

  it("counts output slots from the end when negative, as Python does", () => {
    const linked = (slot: number) =>
      parseWorkflow({
        ...canvasGraph(),
        "2": { class_type: "SaveImage", inputs: { images: ["1", slot], filename_prefix: "x" } },
      });
    expect(reasons(linked(-1))).toEqual({});
    expect(reasons(linked(-2))["2"]?.[0]).toContain("output -2 of node '1' (EmptyImage), which has 1");
  });

  it("follows the inputs that a dynamic choice brings", () => {
    const graph = (inputs: Record<string, unknown>) =>
      parseWorkflow({
        ...canvasGraph(),
        "3": {
          class_type: "ColorTransfer",
          inputs: { image_target: ["1", 0], image_ref: ["1", 0], method: "histogram", strength: 1, ...inputs },
        },
        "4": { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "x" } },
      });
    const target = { source_stats: "target_frame" };
    expect(reasons(graph({ ...target, "source_stats.target_index": 1 }))).toEqual({});
    expect(reasons(graph({ ...target, "source_stats.target_index": -1 }))["3"]?.[0]).toContain("target_index");
    expect(reasons(graph(target))).toEqual({ "3": ["source_stats.target_index: Required input is missing"] });
  });

  it("knows the names of autogrow inputs and of dynamic slots", () => {
    const template = { input: { required: { image: ["IMAGE", {}] } }, prefix: "image", min: 2, max: 3 };
    const slot = { slotType: "IMAGE", inputs: { required: { scale: ["FLOAT", { min: 0 }] } } };
    const classes = {
      Batch: {
        input: {
          required: { images: ["COMFY_AUTOGROW_V3", { template }] },
          optional: { extra: ["COMFY_DYNAMICSLOT_V3", slot], future: ["COMFY_UNHEARD_V9", {}] },
        },
        output: ["IMAGE"],
        output_node: true,
      },
    };
    const graph = (inputs: Record<string, unknown>) =>
      parseWorkflow({ ...canvasGraph(), "5": { class_type: "Batch", inputs } });
    const two = { "images.image0": ["1", 0], "images.image1": ["1", 0] };
    expect(reasons(graph(two), classes)).toEqual({});
    expect(reasons(graph({ "images.image0": ["1", 0] }), classes)).toEqual({
      "5": ["images.image1: Required input is missing"],
    });
    expect(reasons(graph({ ...two, extra: ["1", 0] }), classes)).toEqual({
      "5": ["extra.scale: Required input is missing"],
    });
  });

  it("compares unions of types by what they share", () => {
    const save = { input: { required: { images: ["MASK, IMAGE"] } }, output: [], output_node: true };
    const wrong = { input: { required: { images: ["MASK,AUDIO"] } }, output: [], output_node: true };
    const graph = parseWorkflow({ ...canvasGraph(), "3": { class_type: "SaveEither", inputs: { images: ["1", 0] } } });
    expect(reasons(graph, { SaveEither: save })).toEqual({});
    expect(reasons(graph, { SaveEither: wrong })["3"]?.[0]).toContain("It takes MASK,AUDIO");
  });

  it("survives a class that cannot be read", () => {
    const graph = parseWorkflow({ ...canvasGraph(), "3": { class_type: "Odd", inputs: { a: 1, b: ["1", 0] } } });
    expect(reasons(graph, { Odd: { input: { required: { a: 3, b: [[], "x"] } }, output: "IMAGE" } })).toEqual({});
    expect(reasons(graph, { Odd: 7 })).toEqual({});
  });

  it("walks a chain of thousands of nodes", () => {
    const chain: Record<string, unknown> = { ...canvasGraph() };
    for (let index = 3; index < 5_000; index++) {
      chain[index] = { class_type: "ImageInvert", inputs: { image: [String(index === 3 ? 1 : index - 1), 0] } };
    }
    chain["9999"] = { class_type: "PreviewImage", inputs: { images: ["4999", 0] } };
    expect(isFaultless(validateGraph(parseWorkflow(chain), info))).toBe(true);
  });
});

// The graphs against what a real ComfyUI said of their classes.
import { describe, expect, it } from "vitest";
import { compileService, modelUses } from "../../../../contracts/services/compile.ts";
import { SERVICES } from "../../../../contracts/services/registry.ts";
import { ServiceSpecSchema } from "../../../../contracts/services/spec.ts";
import { assetUses, type Workflow } from "../../../../contracts/workflow.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import { parseObjectInfo } from "../../../../proxy/jobs/object-info.ts";
import { validateGraph } from "../../../../proxy/jobs/validate-graph.ts";
import { readServiceClasses } from "../../../support/real-comfy/recordings.ts";

const IMAGE = { __type: "core/ASSET", info: { id: "asset_01jd8qf2e0f0x8j3m5p7q9s1tv" } };
const { classes } = await readServiceClasses();
const fastwan = SERVICES["fastwan2.2-5b"];

function compile(input: Record<string, unknown>) {
  const asked = { kind: "service", service: "fastwan2.2-5b", input: { prompt: "a ladybug", seed: 7, ...input } };
  return compileService(ServiceSpecSchema.parse(asked));
}

/** Every corner of the ranges, in both variants. */
const INPUTS: Record<string, unknown>[] = [
  {},
  { width: 32, height: 1_280, length: 1, fps: 120, steps: 3, cfg: 10, shift: 1, loraStrength: 1, seed: 0 },
  { width: 1_280, height: 32, length: 121, fps: 1, steps: 8, shift: 20, seed: Number.MAX_SAFE_INTEGER },
  { prompt: "model.safetensors", negativePrompt: "" },
].flatMap((input) => [input, { ...input, image: IMAGE }]);

function inputsOf(workflow: Workflow, classType: string): Record<string, unknown> {
  return Object.values(workflow).find((node) => node.class_type === classType)?.inputs ?? {};
}

describe("compileService() of fastwan2.2-5b", () => {
  it.each(INPUTS.map((input) => [input]))(
    "builds a graph that the pinned ComfyUI accepts but for models: %j",
    (input) => {
      const { workflow, variant } = compile(input);
      expect(variant).toBe("image" in input ? "i2v" : "t2v");
      expect(parseWorkflow(structuredClone(workflow))).toEqual(workflow);
      const verdict = validateGraph(workflow, parseObjectInfo(JSON.stringify(classes)));
      expect(verdict).toMatchObject({ unknownClasses: [], graphError: null, nodeErrors: {}, namesFile: false });
      const missing = verdict.missingModels.map(({ name }) => name).toSorted();
      expect(missing).toEqual(fastwan.models.map(({ name }) => name).toSorted());
    },
  );

  it("sets only inputs that the classes have", () => {
    const { workflow } = compile({ image: IMAGE });
    for (const { class_type, inputs } of Object.values(workflow)) {
      const { required = {}, optional = {} } = (classes[class_type] as {
        input: Record<"required" | "optional", Record<string, unknown> | undefined>;
      }).input;
      expect([class_type, Object.keys(inputs).filter((name) => !(name in required) && !(name in optional))])
        .toEqual([class_type, []]);
    }
  });

  it("puts every field where it acts", () => {
    const { workflow } = compile({
      ...{ negativePrompt: "blur", width: 960, height: 544, length: 81, fps: 12, seed: 41, steps: 5, cfg: 2 },
      ...{ shift: 5, loraStrength: 1.05, image: IMAGE },
    });
    const texts = Object.values(workflow).filter((node) => node.class_type === "CLIPTextEncode");
    expect(texts.map(({ inputs }) => inputs.text)).toEqual(["a ladybug", "blur"]);
    expect(inputsOf(workflow, "Wan22ImageToVideoLatent")).toMatchObject({ width: 960, height: 544, length: 81 });
    expect(inputsOf(workflow, "CreateVideo")).toMatchObject({ fps: 12 });
    expect(inputsOf(workflow, "KSampler")).toMatchObject({ seed: 41, steps: 5, cfg: 2 });
    expect(inputsOf(workflow, "ModelSamplingSD3")).toMatchObject({ shift: 5 });
    expect(inputsOf(workflow, "LoraLoaderModelOnly")).toMatchObject({ strength_model: 1.05 });
    expect(assetUses(workflow)).toEqual([{ nodeId: "56", input: "image", assetId: IMAGE.info.id }]);
    expect(workflow["3"]?.inputs).toMatchObject({ positive: ["6", 0], negative: ["7", 0] });
  });

  it("builds equal graphs from equal inputs, and no image node from text alone", () => {
    expect(compile({})).toEqual(compile({}));
    expect(Object.values(compile({}).workflow).map((node) => node.class_type)).not.toContain("LoadImage");
  });

  it("is described truly: classes, models, outputs and warm-up are those of the graphs", () => {
    const graphs = [compile({}).workflow, compile({ image: IMAGE }).workflow];
    const used = graphs.flatMap((graph) => Object.values(graph).map((node) => node.class_type));
    expect([...new Set(used)].toSorted()).toEqual(fastwan.requirements.classes);
    for (const graph of graphs) {
      expect(modelUses("fastwan2.2-5b", graph).map(({ name }) => name).toSorted())
        .toEqual(fastwan.models.map(({ name }) => name).toSorted());
      expect(fastwan.outputs.map(({ nodeId }) => graph[nodeId]?.class_type)).toEqual(["SaveVideo"]);
    }
    const warm = compile(fastwan.warmUp).workflow;
    expect(modelUses("fastwan2.2-5b", warm)).toHaveLength(fastwan.models.length);
  });

  it("names files of a known size and hash: 18,805,841,161 bytes in all", () => {
    expect(fastwan.models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(18_805_841_161);
    for (const { sha256, path, name, revision } of fastwan.models) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(revision).toMatch(/^[0-9a-f]{40}$/);
      expect(path.endsWith(`/${name}`)).toBe(true);
    }
  });
});

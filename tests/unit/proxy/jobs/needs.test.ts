import { describe, expect, it } from "vitest";
import { FleetError } from "../../../../contracts/errors.ts";
import { deriveNeeds, placementKeyOf } from "../../../../proxy/jobs/needs.ts";
import { canvasGraph, classWithChoices, modelGraph, recordedInfo } from "./graph-fixtures.ts";

const info = recordedInfo();
const unet = { classType: "UNETLoader", input: "unet_name", name: "tiny_sd20.safetensors" };

describe("deriveNeeds()", () => {
  it("lists each class once, sorted", () => {
    expect(deriveNeeds(canvasGraph(), [info])).toEqual({ classes: ["EmptyImage", "SaveImage"], models: [] });
  });

  it("lists model names, and no ordinary choice", () => {
    expect(deriveNeeds(modelGraph(unet.name), [info]).models).toEqual([unet]);
  });

  it("takes names for models by their extension while nothing is known", () => {
    expect(deriveNeeds(modelGraph(unet.name), []).models).toEqual([unet]);
  });

  it("takes no free text for a model once the class is known", () => {
    const workflow = canvasGraph();
    const save = workflow["2"];
    if (save) save.inputs.filename_prefix = "like-a.safetensors";
    expect(deriveNeeds(workflow, [info]).models).toEqual([]);
  });

  it("lists a choice that only some pods offer", () => {
    const older = recordedInfo(classWithChoices("KSampler", "sampler_name", ["heun"]));
    expect(deriveNeeds(modelGraph(unet.name), [info, older]).models).toEqual([
      { classType: "KSampler", input: "sampler_name", name: "euler" },
      unet,
    ]);
  });

  it("gives equal needs, and one placement key, to graphs that differ in values and order only", () => {
    const first = deriveNeeds(canvasGraph({ width: 8 }), [info]);
    const second = deriveNeeds(Object.fromEntries(Object.entries(canvasGraph({ width: 9 })).toReversed()), [info]);
    expect(placementKeyOf(second)).toBe(placementKeyOf(first));
    expect(placementKeyOf(first)).toMatch(/^[0-9a-f]{64}$/);
    expect(placementKeyOf(deriveNeeds(modelGraph(unet.name), [info]))).not.toBe(placementKeyOf(first));
  });

  it("takes 1,000 distinct models and refuses one more", () => {
    const loaders = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [
        `${at}`,
        { class_type: "UNETLoader", inputs: { unet_name: `${at % 1_001}.safetensors` } },
      ]));
    for (const bodies of [[], [info]]) {
      expect(deriveNeeds(loaders(1_000), bodies).models).toHaveLength(1_000);
      expect(() => deriveNeeds(loaders(1_001), bodies)).toThrow(
        expect.objectContaining({
          code: "invalid_workflow",
          message: expect.stringContaining("more than 1000 models"),
        }),
      );
    }
  });

  it("refuses a model name of more than 300 characters, in few words", () => {
    const name = (chars: number) => "m".repeat(chars - ".safetensors".length) + ".safetensors";
    expect(deriveNeeds(modelGraph(name(300)), [info]).models).toHaveLength(1);
    let thrown: unknown;
    try {
      deriveNeeds(modelGraph(name(100_000)), [info]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: "invalid_workflow",
      message: expect.stringContaining("UNETLoader.unet_name"),
    });
    expect(FleetError.is(thrown) && JSON.stringify(thrown.toEnvelope()).length).toBeLessThan(500);
  });

  it("takes no long text for a model while nothing is known", () => {
    expect(deriveNeeds(modelGraph(`${"a cat ".repeat(100)}as in tiny.safetensors`), []).models).toEqual([]);
  });

  it("gives graphs that some body refuses a key of their own, and all others the key without", () => {
    const plain = deriveNeeds(canvasGraph(), [info]);
    expect("refusedBy" in deriveNeeds(canvasGraph(), [info], [])).toBe(false);
    const refused = deriveNeeds(canvasGraph(), [info], ["b"]);
    expect(refused).toEqual({ ...plain, refusedBy: ["b"] });
    expect(placementKeyOf(refused)).not.toBe(placementKeyOf(plain));
  });
});

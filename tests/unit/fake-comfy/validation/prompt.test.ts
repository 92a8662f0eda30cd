import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NODE_CLASSES } from "../../../../fake-comfy/nodes/registry.ts";
import type { Json, JsonObject } from "../../../../fake-comfy/python.ts";
import { validatePrompt } from "../../../../fake-comfy/validation/prompt.ts";

const base = mkdtempSync(join(tmpdir(), "validation-"));
const directories = { base, input: base, output: base, temp: base, models: base, user: base };
writeFileSync(join(base, "there.png"), "");
afterAll(() => rmSync(base, { recursive: true }));

function validate(prompt: Json, targets: Json = null) {
  return validatePrompt(prompt, targets, { classes: NODE_CLASSES, directories });
}

function graph(change: (nodes: Record<string, { class_type: string; inputs: JsonObject }>) => void): JsonObject {
  const nodes = {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 0 } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
  };
  change(nodes);
  return nodes;
}

/** Type and details of every node's errors. */
function errorsOf(prompt: Json): Record<string, string[]> {
  const nodeErrors = validate(prompt).nodeErrors as Record<string, { errors: { type: string; details: string }[] }>;
  return Object.fromEntries(
    Object.entries(nodeErrors).map((
      [id, { errors }],
    ) => [id, errors.map(({ type, details }) => `${type}: ${details}`)]),
  );
}

describe("validatePrompt()", () => {
  it("validatePrompt() accepts a graph and coerces its constants in place", () => {
    const prompt = graph((nodes) => Object.assign(nodes["1"]?.inputs ?? {}, { width: "12", batch_size: true }));
    expect(validate(prompt)).toEqual({ ok: true, outputs: ["2"], nodeErrors: {} });
    expect(prompt).toMatchObject({ "1": { inputs: { width: 12, batch_size: 1 } } });
  });

  it.each([
    ["missing", { width: undefined }, "required_input_missing: width"],
    ["too small", { width: 0 }, "value_smaller_than_min: width"],
    ["too big", { width: 16385 }, "value_bigger_than_max: width"],
    ["no number", { width: "w" }, "invalid_input_type: width, w, invalid literal for int() with base 10: 'w'"],
    ["a bad link", { width: ["1"] }, "bad_linked_input: width"],
  ])("validatePrompt() finds an input that is %s", (_name, inputs, error) => {
    const prompt = graph((nodes) => {
      const given = { ...nodes["1"]?.inputs, ...inputs };
      const kept = Object.entries(given).filter(([, value]) => value !== undefined);
      nodes["1"] = { class_type: "EmptyImage", inputs: Object.fromEntries(kept) as JsonObject };
    });
    expect(errorsOf(prompt)).toEqual({ "1": [error] });
  });

  it.each([
    [["77", 0], "exception_during_validation: '77'"],
    [[1, 0], "exception_during_validation: 1"],
    [["1", 5], "exception_during_validation: tuple index out of range"],
    [["1", "a"], "exception_during_validation: tuple indices must be integers or slices, not str"],
    [[{}, 0], "exception_during_validation: unhashable type: 'dict'"],
  ])("validatePrompt() reports the link %j", (link, error) => {
    expect(errorsOf(graph((nodes) => Object.assign(nodes["2"]?.inputs ?? {}, { images: link })))).toEqual({
      "2": [error],
    });
  });

  it("validatePrompt() finds a type mismatch, a choice that is none and a file that is not there", () => {
    const prompt = graph((nodes) => {
      nodes["3"] = { class_type: "ImageFlip", inputs: { image: ["1", 0], flip_method: "z" } };
      nodes["4"] = { class_type: "LoadImage", inputs: { image: "no.png" } };
      nodes["5"] = { class_type: "PreviewImage", inputs: { images: ["3", 0] } };
      nodes["6"] = { class_type: "PreviewImage", inputs: { images: ["4", 0] } };
      nodes["7"] = { class_type: "PreviewImage", inputs: { images: ["4", 1] } };
    });
    expect(errorsOf(prompt)).toEqual({
      "3": ["value_not_in_list: flip_method: 'z' not in ['x-axis: vertically', 'y-axis: horizontally']"],
      "4": ["custom_validation_failed: image - Invalid image file: no.png"],
      "7": ["return_type_mismatch: images, received_type(MASK) mismatch input_type(IMAGE)"],
    });
    expect(validate(prompt)).toMatchObject({ ok: true, outputs: ["2"] });
  });

  it("validatePrompt() takes a file by its mark and refuses one outside", () => {
    const load = (image: string) => graph((nodes) => nodes["1"] = { class_type: "LoadImage", inputs: { image } });
    expect(validate(load("there.png [output]")).ok).toBe(true);
    expect(validate(load("../there.png")).ok).toBe(false);
  });

  it("validatePrompt() blames every node of a cycle", () => {
    const prompt = graph((nodes) => {
      nodes["3"] = { class_type: "ImageInvert", inputs: { image: ["4", 0] } };
      nodes["4"] = { class_type: "ImageInvert", inputs: { image: ["3", 0] } };
      Object.assign(nodes["2"]?.inputs ?? {}, { images: ["3", 0] });
    });
    const error = "dependency_cycle: 3 (ImageInvert) -> 4 (ImageInvert) -> 3 (ImageInvert)";
    expect(errorsOf(prompt)).toEqual({ "3": [error], "4": [error] });
  });

  it("validatePrompt() asks for the inputs that a dynamic choice brings, and for none without a choice", () => {
    const transfer = (source_stats: string) =>
      graph((nodes) => {
        const inputs = { image_target: ["1", 0], image_ref: ["1", 0], method: "histogram", strength: 1, source_stats };
        nodes["3"] = { class_type: "ColorTransfer", inputs };
        Object.assign(nodes["2"]?.inputs ?? {}, { images: ["3", 0] });
      });
    expect(errorsOf(transfer("target_frame"))).toEqual({ "3": ["required_input_missing: target_index"] });
    expect([validate(transfer("per_frame")).ok, validate(transfer("zzz")).ok]).toEqual([true, true]);
  });

  it("validatePrompt() refuses unknown classes and graphs without outputs", () => {
    expect(validate({ "1": { class_type: "KSampler", inputs: {} } })).toMatchObject({
      ok: false,
      error: { type: "missing_node_type", extra_info: { class_type: "KSampler", node_title: "KSampler" } },
    });
    expect(validate({})).toMatchObject({ error: { type: "prompt_no_outputs" } });
    expect(validate(graph(() => undefined), ["9"])).toMatchObject({ error: { type: "prompt_no_outputs" } });
  });

  it.each([[null], ["x"], [{ nodes: [], links: [] }], [{ "1": { class_type: [], inputs: {} } }]])(
    "validatePrompt(%j) throws where the server answers 500",
    (prompt) => expect(() => validate(prompt)).toThrow(),
  );
});

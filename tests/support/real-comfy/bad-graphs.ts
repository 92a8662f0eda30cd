// Graphs that ComfyUI refuses, one for each way of being wrong; validation.json holds what it answers.
import type { Graph } from "./recording-graphs.ts";
import type { LooseNode } from "./recordings.ts";

export type BadGraph = {
  name: string;
  /** Usually a Graph; some are wrong in ways that the type forbids. */
  graph: Record<string, LooseNode>;
  /** Further keys of the request body. */
  body?: Record<string, unknown>;
};

const canvas = { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 0 } };
const text = { class_type: "PrimitiveString", inputs: { value: "text" } };
const save = (from: unknown) => ({ class_type: "SaveImage", inputs: { images: from, filename_prefix: "bad" } });
const invert = (from: unknown) => ({ class_type: "ImageInvert", inputs: { image: from } });

/** A good graph with some inputs of its first node replaced. */
function canvasWith(inputs: Record<string, unknown>): Graph {
  return { "1": { ...canvas, inputs: { ...canvas.inputs, ...inputs } }, "2": save(["1", 0]) };
}

function canvasWithout(input: string): Graph {
  const inputs = Object.fromEntries(Object.entries(canvas.inputs).filter(([name]) => name !== input));
  return { "1": { ...canvas, inputs }, "2": save(["1", 0]) };
}

function transferWith(inputs: Record<string, unknown>): Graph {
  const good = { method: "histogram", source_stats: "per_frame", strength: 1 };
  return {
    "1": canvas,
    "2": { class_type: "ColorTransfer", inputs: { image_target: ["1", 0], image_ref: ["1", 0], ...good, ...inputs } },
    "3": save(["2", 0]),
  };
}

export const BAD_GRAPHS: BadGraph[] = [
  { name: "unknown class", graph: { "1": { class_type: "NoSuchNode", inputs: {} }, "2": save(["1", 0]) } },
  {
    name: "unknown class with a title",
    graph: { "1": { class_type: "NoSuchNode", inputs: {}, _meta: { title: "Mine" } }, "2": save(["1", 0]) },
  },
  { name: "no class_type", graph: { "1": { inputs: {} }, "2": save(["1", 0]) } },
  { name: "empty graph", graph: {} },
  { name: "no output node", graph: { "1": canvas, "2": invert(["1", 0]) } },
  { name: "unknown partial target", graph: canvasWith({}), body: { partial_execution_targets: ["9"] } },
  { name: "required input missing", graph: canvasWithout("height") },
  { name: "required link missing", graph: { "1": { class_type: "ImageInvert", inputs: {} }, "2": save(["1", 0]) } },
  { name: "value below the minimum", graph: canvasWith({ width: 0 }) },
  { name: "value above the maximum", graph: canvasWith({ width: 16385 }) },
  { name: "colour above the maximum", graph: canvasWith({ color: 16777216 }) },
  { name: "text for a number", graph: canvasWith({ width: "wide" }) },
  { name: "null for a number", graph: canvasWith({ width: null }) },
  { name: "object for a number", graph: canvasWith({ width: { value: 8 } }) },
  { name: "three errors in one node", graph: canvasWith({ width: 0, height: 20000, batch_size: "many" }) },
  {
    name: "choice not in the list",
    graph: {
      "1": canvas,
      "2": { class_type: "ImageFlip", inputs: { image: ["1", 0], flip_method: "z-axis" } },
      "3": save(["2", 0]),
    },
  },
  {
    name: "format not in the list",
    graph: {
      "1": text,
      "2": { class_type: "SaveText", inputs: { text: ["1", 0], filename_prefix: "t", format: "exe" } },
    },
  },
  { name: "method not in the list", graph: transferWith({ method: "magic" }) },
  { name: "dynamic choice not in the list", graph: transferWith({ source_stats: "nobody" }) },
  { name: "decimal above the maximum", graph: transferWith({ strength: 10.5 }) },
  { name: "dynamic choice's own input missing", graph: transferWith({ source_stats: "target_frame" }) },
  { name: "link of another type", graph: { "1": text, "2": save(["1", 0]) } },
  {
    name: "image linked to a number",
    graph: { "1": canvas, "2": { ...canvas, inputs: { ...canvas.inputs, width: ["1", 0] } }, "3": save(["2", 0]) },
  },
  { name: "link to an absent node", graph: { "1": save(["77", 0]) } },
  { name: "link with a number as node id", graph: { "1": canvas, "2": save([1, 0]) } },
  { name: "link to an absent output", graph: { "1": canvas, "2": save(["1", 5]) } },
  { name: "link of three parts", graph: { "1": canvas, "2": save(["1", 0, 0]) } },
  { name: "text for a link", graph: { "1": save("image") } },
  {
    name: "upload that does not exist",
    graph: { "1": { class_type: "LoadImage", inputs: { image: "no.png" } }, "2": save(["1", 0]) },
  },
  { name: "cycle of two", graph: { "1": invert(["2", 0]), "2": invert(["1", 0]), "3": save(["2", 0]) } },
  { name: "cycle of one", graph: { "1": invert(["1", 0]), "2": save(["1", 0]) } },
  { name: "two outputs depend on one error", graph: { ...canvasWith({ width: 0 }), "3": save(["1", 0]) } },
  {
    name: "one output good, one bad",
    graph: { ...canvasWith({}), "3": { ...canvas, inputs: { ...canvas.inputs, width: 0 } }, "4": save(["3", 0]) },
  },
  {
    name: "model that does not exist",
    graph: {
      "1": { class_type: "UNETLoader", inputs: { unet_name: "no.safetensors", weight_dtype: "default" } },
      "2": { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    },
  },
  {
    name: "choice not in a list of more than 20",
    graph: {
      "1": {
        class_type: "KSampler",
        inputs: { seed: 1, steps: 1, cfg: 1, sampler_name: "none", scheduler: "normal", denoise: 1 },
      },
      "2": { class_type: "VAEDecode", inputs: { samples: ["1", 0] } },
      "3": save(["2", 0]),
    },
  },
];

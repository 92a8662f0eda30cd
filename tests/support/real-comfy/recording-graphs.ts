// The graphs whose pictures are recorded from the real server: every node the stand-in executes, with its edges.
import { readFile } from "node:fs/promises";

/** A workflow in ComfyUI's API format. */
export type Graph = Record<
  string,
  { class_type: string; inputs: Record<string, unknown>; _meta?: { title?: string } }
>;

export type RecordingGraph = {
  name: string;
  graph: Graph;
  /** Mean difference allowed per channel, in 255ths. 0: every pixel is equal. */
  tolerance: number;
  /** Largest difference allowed in any channel of any pixel, in 255ths. Default: no limit beside the mean. */
  most?: number;
};

const COLOR_TRANSFER_TOLERANCE = 2;
/**
 * Pictures are saved by cutting off, and the order of float32 sums, which differs with the processor, decides on which side
 * of a whole number a blurred value falls. A smooth ramp is the worst case: most of its values are whole numbers before and
 * after, and each may be 1 off. None may be more.
 */
const BLUR_TOLERANCE = { tolerance: 1, most: 1 };

/** All graphs; `workflowsDir` holds the workflows that are also used as examples. */
export async function recordingGraphs(workflowsDir: URL): Promise<RecordingGraph[]> {
  const workflow = async (name: string): Promise<Graph> =>
    JSON.parse(await readFile(new URL(`${name}.json`, workflowsDir), "utf8")) as Graph;
  const inverted = await workflow("invert-upload");
  const reference = load("rings.png");
  return [
    exact("empty", empty({ width: 8, height: 4, batch_size: 1, color: 0x3366cc })),
    exact("empty-batch", empty({ width: 5, height: 3, batch_size: 3, color: 0xff0000 })),
    exact("empty-largest-color", empty({ width: 2, height: 2, batch_size: 1, color: 0xffffff })),
    exact("load", load("gradient.png")),
    exact("load-alpha", load("alpha.png")),
    exact("load-tiny", load("tiny.png")),
    exact("invert", apply(load("gradient.png"), "ImageInvert", {})),
    exact("flip-vertically", apply(load("gradient.png"), "ImageFlip", { flip_method: "x-axis: vertically" })),
    exact("flip-horizontally", apply(load("gradient.png"), "ImageFlip", { flip_method: "y-axis: horizontally" })),
    exact("crop", apply(load("gradient.png"), "ImageCrop", { width: 20, height: 10, x: 7, y: 5 })),
    exact("crop-over-the-edge", apply(load("gradient.png"), "ImageCrop", { width: 512, height: 512, x: 40, y: 1000 })),
    exact("from-batch", fromBatch({ batch_index: 1, length: 2 })),
    exact("from-batch-negative", fromBatch({ batch_index: -2, length: 4096 })),
    exact("from-batch-beyond", fromBatch({ batch_index: 99, length: 1 })),
    ...[
      { blur_radius: 1, sigma: 1 },
      { blur_radius: 3, sigma: 1 },
      { blur_radius: 31, sigma: 10 },
      { blur_radius: 5, sigma: 0.1 },
    ].map((inputs) => blurred(`blur-${inputs.blur_radius}-${inputs.sigma}`, load("gradient.png"), inputs)),
    blurred("blur-rings", load("rings.png"), { blur_radius: 4, sigma: 0.5 }),
    blurred("blur-flat", empty({ width: 9, height: 7, batch_size: 2, color: 0x3366cc }), { blur_radius: 6, sigma: 2 }),
    ...[
      { width: 96, height: 64, crop: "disabled" },
      { width: 31, height: 17, crop: "disabled" },
      { width: 100, height: 0, crop: "disabled" },
      { width: 0, height: 13, crop: "disabled" },
      { width: 0, height: 0, crop: "center" },
      { width: 20, height: 20, crop: "center" },
      { width: 64, height: 9, crop: "center" },
      { width: 5, height: 77, crop: "center" },
    ].map((inputs) =>
      exact(
        `scale-${inputs.width}-${inputs.height}-${inputs.crop}`,
        apply(load("gradient.png"), "ImageScale", { upscale_method: "nearest-exact", ...inputs }),
      )
    ),
    exact(
      "chain",
      apply(apply(load("rings.png"), "ImageInvert", {}), "ImageCrop", { width: 9, height: 7, x: 3, y: 2 }),
    ),
    near("color-transfer", transfer(load("gradient.png"), reference, 1)),
    near("color-transfer-half", transfer(load("gradient.png"), reference, 0.5)),
    near("color-transfer-none", transfer(load("gradient.png"), reference, 0)),
    near("color-transfer-over", transfer(load("gradient.png"), reference, 2.5)),
    near(
      "color-transfer-flat",
      transfer(empty({ width: 6, height: 6, batch_size: 2, color: 0xff0000 }), {
        "1": { class_type: "EmptyImage", inputs: { width: 4, height: 4, batch_size: 1, color: 0x0000ff } },
      }, 1),
    ),
    exact("preview", preview(load("rings.png"))),
    near("workflow-image", await workflow("image")),
    near("workflow-color-transfer", await workflow("color-transfer")),
    near("workflow-postcard", await workflow("postcard")),
    exact("workflow-invert-upload", inverted),
  ];
}

function exact(name: string, graph: Graph): RecordingGraph {
  return { name, graph: saved(graph, name), tolerance: 0 };
}

function near(name: string, graph: Graph): RecordingGraph {
  return { name, graph: saved(graph, name), tolerance: COLOR_TRANSFER_TOLERANCE };
}

function blurred(name: string, graph: Graph, inputs: { blur_radius: number; sigma: number }): RecordingGraph {
  return { name, graph: saved(apply(graph, "ImageBlur", inputs), name), ...BLUR_TOLERANCE };
}

/** The graph with its last node saved under `name`, unless it has an output of its own. */
function saved(graph: Graph, name: string): Graph {
  const ends = Object.values(graph).some(({ class_type }) => ["SaveImage", "PreviewImage"].includes(class_type));
  if (ends) return graph;
  return append(graph, "SaveImage", { images: lastOf(graph), filename_prefix: `recording/${name}` });
}

function append(graph: Graph, class_type: string, inputs: Record<string, unknown>): Graph {
  return { ...graph, [String(Object.keys(graph).length + 1)]: { class_type, inputs } };
}

function lastOf(graph: Graph): [string, number] {
  return [String(Object.keys(graph).length), 0];
}

function empty(inputs: { width: number; height: number; batch_size: number; color: number }): Graph {
  return { "1": { class_type: "EmptyImage", inputs } };
}

function load(image: string): Graph {
  return { "1": { class_type: "LoadImage", inputs: { image } } };
}

function apply(graph: Graph, class_type: string, inputs: Record<string, unknown>): Graph {
  return append(graph, class_type, { image: lastOf(graph), ...inputs });
}

function preview(graph: Graph): Graph {
  return append(graph, "PreviewImage", { images: lastOf(graph) });
}

/** The frames of a batch made here are equal: what is recorded is how many come out. */
function fromBatch(inputs: { batch_index: number; length: number }): Graph {
  return apply(empty({ width: 4, height: 4, batch_size: 4, color: 0x123456 }), "ImageFromBatch", inputs);
}

function transfer(target: Graph, reference: Graph, strength: number): Graph {
  const [from] = Object.values(reference);
  if (from === undefined) throw new Error("Cannot build a ColorTransfer graph: the reference is empty");
  const both = append(target, from.class_type, from.inputs);
  return append(both, "ColorTransfer", {
    image_target: lastOf(target),
    image_ref: lastOf(both),
    method: "histogram",
    source_stats: "per_frame",
    strength,
  });
}

// Small graphs for the cases. Each call gives a graph that the server has not seen, so that its cache never answers.
import type { Graph } from "../../support/real-comfy/recording-graphs.ts";

let serial = 0;

/** A colour that no earlier graph of this process had. */
export function freshColor(): number {
  serial += 1;
  return (serial * 7919) % 0xffffff;
}

export type ImageGraphOptions = { prefix?: string; batch?: number; color?: number };

/** EmptyImage → SaveImage, nodes 1 and 2. */
export function imageGraph(
  { prefix = `image/${crypto.randomUUID()}`, batch = 1, color }: ImageGraphOptions = {},
): Graph {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: batch, color: color ?? freshColor() } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: prefix } },
  };
}

/** A second or more of work (the largest batch there is) that reports progress and can be interrupted: nodes 1 to 5, the slow one is 3. */
export function slowGraph(frames = 4_096): Graph {
  const canvas = { width: 64, height: 64, batch_size: frames, color: freshColor() };
  const reference = { width: 8, height: 8, batch_size: 1, color: freshColor() };
  return {
    "1": { class_type: "EmptyImage", inputs: canvas },
    "2": { class_type: "EmptyImage", inputs: reference },
    "3": {
      class_type: "ColorTransfer",
      inputs: {
        image_target: ["1", 0],
        image_ref: ["2", 0],
        method: "histogram",
        source_stats: "per_frame",
        strength: 1,
      },
    },
    "4": { class_type: "ImageFromBatch", inputs: { image: ["3", 0], batch_index: 0, length: 1 } },
    "5": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: `slow/${crypto.randomUUID()}` } },
  };
}

/** Passes validation and fails when node 2 runs: nothing may be saved outside of the output folder. */
export function failingGraph(): Graph {
  return imageGraph({ prefix: "../../outside" });
}

/** PrimitiveString ×2 → StringConcatenate → PreviewAny and SaveText, nodes 1 to 5. */
export function textGraph({ first, second, prefix }: { first: string; second: string; prefix: string }): Graph {
  return {
    "1": { class_type: "PrimitiveString", inputs: { value: first } },
    "2": { class_type: "PrimitiveString", inputs: { value: second } },
    "3": { class_type: "StringConcatenate", inputs: { string_a: ["1", 0], string_b: ["2", 0], delimiter: " " } },
    "4": { class_type: "PreviewAny", inputs: { source: ["3", 0] } },
    "5": { class_type: "SaveText", inputs: { text: ["3", 0], filename_prefix: prefix, format: "txt" } },
  };
}

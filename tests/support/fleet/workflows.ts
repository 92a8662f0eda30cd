/** The workflows that the end-to-end suites run. */
import { readFileSync } from "node:fs";
import type { Workflow } from "../../../client/mod.ts";

const ROOT = new URL("../../../", import.meta.url);

function readJson(path: string): Workflow {
  return JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));
}

/** The demo's: a postcard, and a sky that takes a second and is only previewed. */
export const postcard = (): Workflow => readJson("cli/demo/workflow.json");
/** LoadImage `Picture` → ImageInvert → SaveImage. */
export const invert = (): Workflow => readJson("tests/fixtures/workflows/invert-upload.json");
/** Two words, joined; shown by PreviewAny and saved by SaveText. */
export const greeting = (): Workflow => readJson("tests/fixtures/workflows/text.json");

export const postcardPath = new URL("cli/demo/postcard.png", ROOT).pathname;
export const gradientPath = new URL("tests/fixtures/comfy/inputs/gradient.png", ROOT).pathname;

/** One small picture; every call another, so that ComfyUI's cache has none of it. */
export function quick(): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: nextColor() } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "quick" } },
  };
}

/** ColorTransfer over `steps` frames: that many steps of progress, each as long as the stand-in's `--step-ms`. */
export function slow(steps: number): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: steps, color: nextColor() } },
    "2": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 255 } },
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
    "5": { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "slow" } },
  };
}

/** A first frame that is saved at once, and {@link slow} beside it, whose picture comes at the end. */
export function firstThenSlow(steps: number): Workflow {
  return {
    ...slow(steps),
    "6": { class_type: "ImageFromBatch", inputs: { image: ["1", 0], batch_index: 0, length: 1 } },
    "7": { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "first" } },
  };
}

let color = 1_000;
function nextColor(): number {
  color += 1;
  return color;
}

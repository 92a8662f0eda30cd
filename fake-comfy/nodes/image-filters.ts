/** ImageBlur, ImageScale and GetImageSize. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { bellWeights, blurFrame } from "../images/blur.ts";
import { type Frame, type ImageBatch, mapFrames } from "../images/frame.ts";
import { cutToProportions, resizeNearest, type Size, sizeFor } from "../images/resize.ts";
import { PyError } from "../python.ts";
import { classicNode, schemaNode } from "./define.ts";
import { MAX_RESOLUTION } from "./image-sources.ts";
import { imageInput, numberInput, textInput } from "./inputs.ts";

/** `ImageBlur`: slow, without progress and without an ear for interrupts, as the real one. */
export const imageBlur = schemaNode({
  name: "ImageBlur",
  displayName: "Blur Image",
  category: "image/filters",
  pythonModule: "comfy_extras.nodes_post_processing",
  inputs: {
    image: { type: "IMAGE", options: {} },
    blur_radius: { type: "INT", options: { default: 1, min: 1, max: 31, step: 1 } },
    sigma: { type: "FLOAT", options: { default: 1, min: 0.1, max: 10, step: 0.1 } },
  },
  outputs: ["IMAGE"],
}, {
  async run(inputs) {
    const image = imageInput(inputs, "image");
    const radius = numberInput(inputs, "blur_radius");
    refuseWideBorder(image, radius);
    const weights = bellWeights(radius, numberInput(inputs, "sigma"));
    const blurred = new Map<Frame, Frame>();
    for (const frame of new Set(image.frames)) {
      blurred.set(frame, blurFrame(frame, weights));
      // Requests get their turn, as they would beside a worker thread.
      await nextTurn();
    }
    return { outputs: [mapFrames(image, (frame) => blurred.get(frame) ?? frame)] };
  },
});

/** The border is mirrored from the picture, so it has to be narrower. @throws {PyError} */
function refuseWideBorder({ frames, first }: ImageBatch, radius: number): void {
  const { width, height } = first;
  const dimension = radius >= width ? 3 : radius >= height ? 2 : null;
  if (dimension === null) return;
  throw new PyError(
    "RuntimeError",
    "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding " +
      `(${radius}, ${radius}) at dimension ${dimension} of input [${frames.length}, 3, ${height}, ${width}]`,
  );
}

/** `ImageScale`. All methods are listed, as the interface has them; only `nearest-exact` runs. */
export const imageScale = classicNode({
  name: "ImageScale",
  displayName: "Upscale Image",
  category: "image/upscaling",
  pythonModule: "nodes",
  inputs: {
    image: { type: "IMAGE" },
    upscale_method: { type: ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"] },
    width: { type: "INT", options: { default: 512, min: 0, max: MAX_RESOLUTION, step: 1 } },
    height: { type: "INT", options: { default: 512, min: 0, max: MAX_RESOLUTION, step: 1 } },
    crop: { type: ["disabled", "center"] },
  },
  outputs: ["IMAGE"],
  searchAliases: ["resize", "scale image", "zoom"],
  essentials: "Image Tools",
}, {
  run(inputs) {
    const image = imageInput(inputs, "image");
    const asked = { width: numberInput(inputs, "width"), height: numberInput(inputs, "height") };
    const size = sizeFor(image.first, asked);
    if (size === null) return { outputs: [image] };
    const method = textInput(inputs, "upscale_method");
    if (method !== "nearest-exact") {
      throw new PyError("RuntimeError", `fake-comfy runs ImageScale only with 'nearest-exact', not '${method}'`);
    }
    const cuts = textInput(inputs, "crop") === "center";
    return { outputs: [mapFrames(image, (frame) => scale(frame, size, cuts))] };
  },
});

function scale(frame: Frame, size: Size, cuts: boolean): Frame {
  return resizeNearest(cuts ? cutToProportions(frame, size) : frame, size);
}

/** `GetImageSize`: three numbers, and a text to every client. */
export const getImageSize = schemaNode({
  name: "GetImageSize",
  displayName: "Get Image Size",
  category: "image",
  pythonModule: "comfy_extras.nodes_images",
  inputs: { image: { type: "IMAGE", options: {} } },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: ["INT", "INT", "INT"],
  outputNames: ["width", "height", "batch_size"],
  searchAliases: ["dimensions", "resolution"],
}, {
  run(inputs, { showText }) {
    const { first: { width, height }, frames } = imageInput(inputs, "image");
    showText(`width: ${width}, height: ${height}\n batch size: ${frames.length}`);
    return { outputs: [width, height, frames.length] };
  },
});

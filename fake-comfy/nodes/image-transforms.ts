/** ImageInvert, ImageFlip, ImageCrop and ImageFromBatch. */
import { cropFrame, flipFrame, ImageBatch, invertFrame, mapFrames } from "../images/frame.ts";
import { classicNode, schemaNode } from "./define.ts";
import { MAX_RESOLUTION } from "./image-sources.ts";
import { imageInput, numberInput, textInput } from "./inputs.ts";

const SCHEMA_MODULE = "comfy_extras.nodes_images";

/** `ImageInvert`: `1 - x`. */
export const imageInvert = classicNode({
  name: "ImageInvert",
  displayName: "Invert Image Colors",
  category: "image/color",
  pythonModule: "nodes",
  inputs: { image: { type: "IMAGE" } },
  outputs: ["IMAGE"],
  searchAliases: ["reverse colors"],
  essentials: "Image Tools",
}, {
  run: (inputs) => ({ outputs: [mapFrames(imageInput(inputs, "image"), invertFrame)] }),
});

/** `ImageFlip`: by the first letter of the method, x = top to bottom, y = left to right. */
export const imageFlip = schemaNode({
  name: "ImageFlip",
  displayName: "Flip Image",
  category: "image/transform",
  pythonModule: SCHEMA_MODULE,
  inputs: {
    image: { type: "IMAGE", options: {} },
    flip_method: {
      type: "COMBO",
      options: { multiselect: false, options: ["x-axis: vertically", "y-axis: horizontally"] },
    },
  },
  outputs: ["IMAGE"],
  searchAliases: ["mirror", "reflect"],
}, {
  run(inputs) {
    const axis = textInput(inputs, "flip_method").startsWith("x") ? "vertical" : "horizontal";
    return { outputs: [mapFrames(imageInput(inputs, "image"), (frame) => flipFrame(frame, axis))] };
  },
});

/** `ImageCrop`: a rectangle, cut off at the edges. */
export const imageCrop = schemaNode({
  name: "ImageCrop",
  displayName: "Crop Image (DEPRECATED)",
  category: "image/transform",
  pythonModule: SCHEMA_MODULE,
  inputs: {
    image: { type: "IMAGE", options: {} },
    width: { type: "INT", options: { default: 512, min: 1, max: MAX_RESOLUTION, step: 1 } },
    height: { type: "INT", options: { default: 512, min: 1, max: MAX_RESOLUTION, step: 1 } },
    x: { type: "INT", options: { default: 0, min: 0, max: MAX_RESOLUTION, step: 1 } },
    y: { type: "INT", options: { default: 0, min: 0, max: MAX_RESOLUTION, step: 1 } },
  },
  outputs: ["IMAGE"],
  deprecated: true,
  searchAliases: ["trim"],
  essentials: "Image Tools",
}, {
  run(inputs) {
    const box = {
      x: numberInput(inputs, "x"),
      y: numberInput(inputs, "y"),
      width: numberInput(inputs, "width"),
      height: numberInput(inputs, "height"),
    };
    return { outputs: [mapFrames(imageInput(inputs, "image"), (frame) => cropFrame(frame, box))] };
  },
});

/** `ImageFromBatch`: `length` frames from an index; a negative index counts from the end. */
export const imageFromBatch = schemaNode({
  name: "ImageFromBatch",
  displayName: "Get Image from Batch",
  category: "image/batch",
  pythonModule: SCHEMA_MODULE,
  inputs: {
    image: { type: "IMAGE", options: {} },
    batch_index: { type: "INT", options: { default: 0, min: -MAX_RESOLUTION, max: MAX_RESOLUTION } },
    length: { type: "INT", options: { default: 1, min: 1, max: 4096 } },
  },
  outputs: ["IMAGE"],
  searchAliases: ["select image", "pick from batch"],
}, {
  run(inputs) {
    const { frames } = imageInput(inputs, "image");
    const asked = numberInput(inputs, "batch_index");
    const index = Math.max(0, Math.min(frames.length - 1, asked < 0 ? asked + frames.length : asked));
    return { outputs: [new ImageBatch(frames.slice(index, index + numberInput(inputs, "length")))] };
  },
});

/** EmptyImage and LoadImage. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Directories, inputPath } from "../directories.ts";
import { type Frame, frameFromBytes, ImageBatch, MaskBatch, solidFrame } from "../images/frame.ts";
import { decodePng, type Raster } from "../images/png.ts";
import { type Json, PyError, pyStr, pyTypeName } from "../python.ts";
import { classicNode } from "./define.ts";
import { classicInfo, type Description } from "./describe.ts";
import { numberInput, textInput } from "./inputs.ts";

/** The longest edge ComfyUI allows, in pixels. */
export const MAX_RESOLUTION = 16384;

/** Grey pictures are widened to 16 bits by a shift and then divided by 65535, so that white becomes 254/255. */
const GREY_UNIT = (255 << 8) / 65535;
const IMAGE_EXTENSION = /\.(apng|avif|bmp|gif|heic|ico|jpe?g|png|svg|tiff?|webp)$/i;
/** LoadImage makes a mask of this size for pictures without transparency. */
const EMPTY_MASK_EDGE = 64;

/** `EmptyImage`: a batch of one colour. */
export const emptyImage = classicNode({
  name: "EmptyImage",
  displayName: "Empty Image",
  category: "image",
  pythonModule: "nodes",
  inputs: {
    width: { type: "INT", options: { default: 512, min: 1, max: MAX_RESOLUTION, step: 1 } },
    height: { type: "INT", options: { default: 512, min: 1, max: MAX_RESOLUTION, step: 1 } },
    batch_size: { type: "INT", options: { default: 1, min: 1, max: 4096 } },
    color: { type: "INT", options: { default: 0, min: 0, max: 0xffffff, step: 1, display: "color" } },
  },
  outputs: ["IMAGE"],
}, {
  run(inputs) {
    const frame = solidFrame(numberInput(inputs, "width"), numberInput(inputs, "height"), numberInput(inputs, "color"));
    return { outputs: [new ImageBatch(Array<Frame>(numberInput(inputs, "batch_size")).fill(frame))] };
  },
});

function loadImageFacts(choices: readonly string[]): Description {
  return {
    name: "LoadImage",
    displayName: "Load Image",
    category: "image",
    pythonModule: "nodes",
    inputs: { image: { type: choices, options: { image_upload: true } } },
    outputs: ["IMAGE", "MASK"],
    searchAliases: ["open image", "image input"],
    essentials: "Basics",
  };
}

/** `LoadImage`: a PNG of the input directory, or of another by an `[output]` mark. Other formats fail at run time. */
export const loadImage = classicNode(loadImageFacts([]), {
  describe: (directories) => classicInfo(loadImageFacts(inputPictures(directories))),
  validatedInputs: ["image"],
  validate(value, directories) {
    const path = inputPath(directories, markedName(value));
    return path !== null && existsSync(path) ? true : `Invalid image file: ${pyStr(value)}`;
  },
  async fingerprint(inputs, directories) {
    const bytes = await readFile(existingPath(directories, markedName(inputs["image"] ?? null)));
    return createHash("sha256").update(bytes).digest("hex");
  },
  async run(inputs, { directories }) {
    const raster = await readPng(existingPath(directories, textInput(inputs, "image")));
    return { outputs: [new ImageBatch([rgbFrame(raster)]), maskOf(raster)] };
  },
});

function markedName(value: Json): string {
  if (typeof value === "string") return value;
  throw new PyError("AttributeError", `'${pyTypeName(value)}' object has no attribute 'endswith'`);
}

function existingPath(directories: Directories, name: string): string {
  const path = inputPath(directories, name);
  if (path === null) throw new PyError("ValueError", `Invalid file path: '${name}'`);
  return path;
}

async function readPng(path: string): Promise<Raster> {
  const bytes = await readFile(path);
  try {
    return await decodePng(bytes);
  } catch {
    throw new PyError("PIL.UnidentifiedImageError", `cannot identify image file '${path}'`);
  }
}

function rgbFrame({ width, height, channels, bytes, grey }: Raster): Frame {
  const unit = grey === true ? GREY_UNIT : 1;
  if (channels === 3) return frameFromBytes({ width, height }, bytes, unit);
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) rgb.set(bytes.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  return frameFromBytes({ width, height }, rgb, unit);
}

function maskOf({ width, height, channels, bytes }: Raster): MaskBatch {
  if (channels === 3) {
    const edge = EMPTY_MASK_EDGE;
    return new MaskBatch({ width: edge, height: edge }, [new Float32Array(edge * edge)]);
  }
  const alpha = (pixel: number) => Math.fround((bytes[pixel * 4 + 3] ?? 255) / 255);
  return new MaskBatch({ width, height }, [
    Float32Array.from({ length: width * height }, (_, pixel) => 1 - alpha(pixel)),
  ]);
}

function inputPictures(directories: Directories): string[] {
  return readdirSync(directories.input, { withFileTypes: true })
    .filter((entry) => entry.isFile() && IMAGE_EXTENSION.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}

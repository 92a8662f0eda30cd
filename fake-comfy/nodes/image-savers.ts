/** SaveImage and PreviewImage: every frame becomes a PNG of its own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quantize } from "../images/frame.ts";
import { encodePng, type PngText } from "../images/png.ts";
import { isJsonObject, type JsonObject } from "../python.ts";
import { classicNode } from "./define.ts";
import { imageInput, textInput } from "./inputs.ts";
import type { NodeContext, NodeResult, Value } from "./node-class.ts";
import { counterText, nextSaveName } from "./save-name.ts";

const HIDDEN = { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" };

/** `SaveImage`: into the output directory as `prefix_00001_.png`. */
export const saveImage = classicNode({
  name: "SaveImage",
  displayName: "Save Image",
  category: "image",
  pythonModule: "nodes",
  description: "Saves pictures in the output directory.",
  inputs: {
    images: { type: "IMAGE", options: { tooltip: "The pictures to save." } },
    filename_prefix: {
      type: "STRING",
      options: { default: "ComfyUI", tooltip: "What file names begin with; may name a folder and hold placeholders." },
    },
  },
  hidden: HIDDEN,
  outputs: ["IMAGE"],
  outputNames: ["images"],
  isOutputNode: true,
  searchAliases: ["save", "export image", "write image"],
  essentials: "Basics",
}, {
  run: (inputs, context) =>
    saveFrames(inputs, context, {
      root: context.directories.output,
      type: "output",
      prefix: textInput(inputs, "filename_prefix"),
      level: 4,
    }),
});

/** `PreviewImage`: into the temp directory under a name with random letters. */
export const previewImage = classicNode({
  name: "PreviewImage",
  displayName: "Preview Image",
  category: "image",
  pythonModule: "nodes",
  description: "Shows pictures without saving them in the output directory.",
  inputs: { images: { type: "IMAGE" } },
  hidden: HIDDEN,
  outputs: ["IMAGE"],
  outputNames: ["images"],
  isOutputNode: true,
  searchAliases: ["preview", "show image"],
  essentials: "Basics",
}, {
  run: (inputs, context) =>
    saveFrames(inputs, context, {
      root: context.directories.temp,
      type: "temp",
      prefix: `ComfyUI_temp_${context.instanceTag()}`,
      level: 1,
    }),
});

interface Target {
  readonly root: string;
  readonly type: string;
  readonly prefix: string;
  /** zlib's compression level. */
  readonly level: number;
}

async function saveFrames(
  inputs: Readonly<Record<string, Value>>,
  context: NodeContext,
  target: Target,
): Promise<NodeResult> {
  const images = imageInput(inputs, "images");
  const { folder, name, counter, subfolder } = await nextSaveName(target.root, target.prefix, images.first);
  const text = context.disableMetadata ? {} : metadata(context);
  const saved: JsonObject[] = [];
  for (const [index, frame] of images.frames.entries()) {
    const filename = `${name.replaceAll("%batch_num%", String(index))}_${counterText(counter + index)}_.png`;
    const { width, height } = frame;
    const png = await encodePng({ width, height, channels: 3, bytes: quantize(frame) }, { level: target.level, text });
    await writeFile(join(folder, filename), png);
    saved.push({ filename, subfolder, type: target.type });
  }
  return { outputs: [images], ui: { images: saved } };
}

function metadata(context: NodeContext): PngText {
  const extra = isJsonObject(context.extraPngInfo) ? context.extraPngInfo : {};
  const entries = Object.entries({ prompt: context.graph, ...extra });
  return Object.fromEntries(entries.map(([name, value]) => [name, asciiJson(value)]));
}

/** PNG text is Latin-1, so everything beyond ASCII is escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

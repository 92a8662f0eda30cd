/** PrimitiveString, StringConcatenate, PreviewAny and SaveText. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pyFloat } from "../python.ts";
import { classicNode, schemaNode } from "./define.ts";
import { isPlain, textInput } from "./inputs.ts";
import type { Value } from "./node-class.ts";
import { counterText, nextSaveName } from "./save-name.ts";
import { tensorText } from "./tensor-text.ts";

/** `PrimitiveString`: a constant. */
export const primitiveString = schemaNode({
  name: "PrimitiveString",
  displayName: "Text",
  category: "utilities/primitive",
  pythonModule: "comfy_extras.nodes_primitive",
  inputs: { value: { type: "STRING", options: { multiline: false } } },
  outputs: ["STRING"],
  searchAliases: ["text", "string"],
}, {
  run: (inputs) => ({ outputs: [textInput(inputs, "value")] }),
});

/** `StringConcatenate`: two texts with a delimiter between them. */
export const stringConcatenate = schemaNode({
  name: "StringConcatenate",
  displayName: "Concatenate Text",
  category: "text",
  pythonModule: "comfy_extras.nodes_string",
  inputs: {
    string_a: { type: "STRING", options: { multiline: true } },
    string_b: { type: "STRING", options: { multiline: true } },
    delimiter: { type: "STRING", options: { default: "", multiline: false } },
  },
  outputs: ["STRING"],
  searchAliases: ["join text", "append text"],
}, {
  run: (inputs) => ({
    outputs: [[textInput(inputs, "string_a"), textInput(inputs, "string_b")].join(textInput(inputs, "delimiter"))],
  }),
});

/** `PreviewAny`: any value as text. */
export const previewAny = classicNode({
  name: "PreviewAny",
  displayName: "Preview as Text",
  category: "utilities",
  pythonModule: "comfy_extras.nodes_preview_any",
  description: "Shows any value as text.",
  inputs: { source: { type: "*", options: {} } },
  outputs: ["STRING"],
  isOutputNode: true,
  searchAliases: ["show output", "inspect"],
}, {
  run(inputs) {
    const text = anyText(inputs["source"] ?? null);
    return { outputs: [text], ui: { text: [text] } };
  },
});

/** `SaveText`: into the output directory as `prefix_00001.txt`. */
export const saveText = schemaNode({
  name: "SaveText",
  displayName: "Save Text",
  category: "text",
  pythonModule: "comfy_extras.nodes_text",
  description: "Saves a text in the output directory.",
  inputs: {
    text: { type: "STRING", options: { forceInput: true, multiline: false } },
    filename_prefix: { type: "STRING", options: { default: "ComfyUI", multiline: false } },
    format: { type: "COMBO", options: { default: "txt", multiselect: false, options: ["txt", "csv", "md", "json"] } },
  },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: ["STRING"],
  outputNames: ["text"],
  isOutputNode: true,
  searchAliases: ["write text", "export text"],
}, {
  async run(inputs, { directories }) {
    const text = textInput(inputs, "text");
    const format = textInput(inputs, "format");
    const prefix = textInput(inputs, "filename_prefix");
    const place = await nextSaveName(directories.output, prefix, { width: 1, height: 1 });
    const filename = `${place.name}_${counterText(place.counter)}.${format}`;
    await writeFile(join(place.folder, filename), format === "json" ? prettyJson(text) : text);
    return {
      outputs: [text],
      ui: { text: [text], files: [{ filename, subfolder: place.subfolder, type: "output" }] },
    };
  },
});

function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function anyText(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : pyFloat(value);
  if (Array.isArray(value) || isPlain(value)) return JSON.stringify(value, null, 4);
  return tensorText(value);
}

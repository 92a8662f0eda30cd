/** ColorTransfer with the `histogram` method: the slow node, one progress step per frame. */
import { applyTable, type Cdf, cumulativeShares, matchingTable } from "../images/histogram.ts";
import { type Frame, ImageBatch } from "../images/frame.ts";
import { type JsonObject, PyError } from "../python.ts";
import { schemaNode } from "./define.ts";
import { imageInput, numberInput, textInput } from "./inputs.ts";
import type { Value } from "./node-class.ts";

/** Modes of `source_stats` and the further inputs each brings. */
const MODES = ["per_frame", "uniform", "target_frame"];

/** The inputs, as `source_stats.NAME`, that a mode brings with it. */
function modeInputs(mode: string): JsonObject {
  return mode === "target_frame" ? { target_index: ["INT", { default: 0, min: 0, max: 10000 }] } : {};
}

/** `ColorTransfer`. The two Lab methods are listed, as the interface has them, but fail at run time. */
export const colorTransfer = schemaNode({
  name: "ColorTransfer",
  displayName: "Transfer Color",
  category: "image/filters",
  pythonModule: "comfy_extras.nodes_post_processing",
  description: "Gives one picture the colours of another.",
  inputs: {
    image_target: { type: "IMAGE", options: { tooltip: "The pictures to change." } },
    image_ref: { type: "IMAGE", options: { tooltip: "The pictures whose colours are taken." } },
    method: { type: "COMBO", options: { multiselect: false, options: ["reinhard_lab", "mkl_lab", "histogram"] } },
    source_stats: {
      type: "COMFY_DYNAMICCOMBO_V3",
      options: {
        tooltip: "Which frames the colours are measured on: each its own, all together, or one.",
        options: MODES.map((key) => ({ key, inputs: { required: modeInputs(key) } })),
      },
    },
    strength: { type: "FLOAT", options: { default: 1, min: 0, max: 10, step: 0.01 } },
  },
  outputs: ["IMAGE"],
  outputNames: ["image"],
  searchAliases: ["color match", "color grading", "histogram"],
}, {
  async run(inputs, context) {
    const target = imageInput(inputs, "image_target");
    const reference = imageInput(inputs, "image_ref");
    const strength = numberInput(inputs, "strength");
    const mode = modeOf(inputs);
    if (strength === 0) return { outputs: [target] };
    const method = textInput(inputs, "method");
    if (method !== "histogram") {
      throw new PyError("RuntimeError", `fake-comfy runs ColorTransfer only with method 'histogram', not '${method}'`);
    }
    const transfer = transferrer({
      target,
      reference,
      mode,
      strength,
      index: numberInput(inputs, "source_stats.target_index"),
    });
    const bar = context.progress(target.frames.length);
    const frames: Frame[] = [];
    for (const [index, frame] of target.frames.entries()) {
      const changed = transfer(frame, index);
      frames.push(changed);
      await bar.step(changed);
    }
    return { outputs: [new ImageBatch(frames)] };
  },
});

interface Transfer {
  readonly target: ImageBatch;
  readonly reference: ImageBatch;
  readonly mode: string;
  readonly strength: number;
  /** The measured frame of the mode `target_frame`. */
  readonly index: number;
}

/** Returns the function for one frame; equal pairs of frames are worked out once. */
function transferrer(transfer: Transfer): (frame: Frame, index: number) => Frame {
  const { target, reference, mode, strength } = transfer;
  const shares = new Map<Frame, Cdf>();
  const sharesOf = (frame: Frame): Cdf => {
    const known = shares.get(frame) ?? cumulativeShares([frame]);
    shares.set(frame, known);
    return known;
  };
  const measured = target.frames[Math.min(transfer.index, target.frames.length - 1)] ?? target.first;
  const fixed = mode === "per_frame" ? null : matchingTable(
    cumulativeShares(mode === "uniform" ? target.frames : [measured]),
    cumulativeShares(reference.frames),
  );
  const done = new Map<Frame, Map<Frame, Frame>>();
  return (frame, index) => {
    const pair = reference.frames[Math.min(index, reference.frames.length - 1)] ?? reference.first;
    const known = done.get(frame)?.get(pair);
    if (known !== undefined) return known;
    const result = applyTable(frame, fixed ?? matchingTable(sharesOf(frame), sharesOf(pair)), strength);
    done.set(frame, (done.get(frame) ?? new Map<Frame, Frame>()).set(pair, result));
    return result;
  };
}

function modeOf(inputs: Readonly<Record<string, Value>>): string {
  const mode = inputs["source_stats"];
  if (typeof mode === "string" && MODES.includes(mode)) return mode;
  throw new PyError("TypeError", "ColorTransfer.execute() missing 1 required positional argument: 'source_stats'");
}

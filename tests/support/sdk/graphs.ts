/** What the SDK suites run: graphs that the stand-in and a real ComfyUI both take, no two alike, so that none is cached. */
import type { JsonValue, Workflow, WorkflowNode } from "../../../contracts/workflow.ts";
import { type TargetKind, targetKind } from "../comfy-target.ts";

/** How long the stand-in takes for a step of {@link lasting}; given to it at its start. */
export const STAND_IN_ARGS = ["--step-ms", "20", "--previews", "jpeg"];
const STAND_IN_STEPS_PER_SECOND = 50;
/** On an idle core; a busy machine takes longer, never less. */
const REAL_STEPS_PER_SECOND = 400;
const REAL_EDGE = 256;
/** Two gigabytes of frames, some six seconds: nothing lasts longer there. */
const MAX_REAL_STEPS = 2_400;

let color = Math.floor(Math.random() * 0x800000);
function nextColor(): number {
  color += 1;
  return color;
}

function canvas(edge: number, count: number): WorkflowNode {
  return { class_type: "EmptyImage", inputs: { width: edge, height: edge, batch_size: count, color: nextColor() } };
}

function save(from: JsonValue, prefix: string): WorkflowNode {
  return { class_type: "SaveImage", inputs: { images: from, filename_prefix: prefix } };
}

/** One small picture, by node `2`. */
export function picture(): Workflow {
  return { "1": canvas(16, 1), "2": save(["1", 0], "picture") };
}

/** Some seconds of progress by node `3`, then one picture by node `5`. */
export function lasting(seconds: number, kind: TargetKind = targetKind()): Workflow {
  const isReal = kind === "real";
  const wanted = Math.max(2, Math.round(seconds * (isReal ? REAL_STEPS_PER_SECOND : STAND_IN_STEPS_PER_SECOND)));
  const steps = isReal ? Math.min(wanted, MAX_REAL_STEPS) : wanted;
  const edge = isReal ? REAL_EDGE : 8;
  return {
    "1": canvas(edge, steps),
    "2": canvas(edge, 1),
    "3": {
      class_type: "ColorTransfer",
      inputs: {
        ...{ image_target: ["1", 0], image_ref: ["2", 0] },
        ...{ method: "histogram", source_stats: "per_frame", strength: 1 },
      },
    },
    "4": { class_type: "ImageFromBatch", inputs: { image: ["3", 0], batch_index: 0, length: 1 } },
    "5": save(["4", 0], "lasting"),
  };
}

/** A picture at once by node `7`, and {@link lasting} beside it, which ends later. */
export function pictureThenLasting(seconds: number): Workflow {
  return { ...lasting(seconds), "6": canvas(16, 1), "7": save(["6", 0], "early") };
}

/** Inverts the given picture: LoadImage is node `1`, the file comes from node `3`. */
export function inverted(image: JsonValue): Workflow {
  return {
    "1": { class_type: "LoadImage", inputs: { image } },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "3": save(["2", 0], "inverted"),
  };
}

/** What every server must refuse: an unknown class by node `2`, and a width of 0 in node `1`. */
export function broken(): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 0, height: 16, batch_size: 1, color: 0 } },
    "2": save(["1", 0], "broken"),
  };
}

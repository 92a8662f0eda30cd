// Graphs for the supervisor's tests. Each call gives one that no cache has seen.
import type { Workflow } from "../../../contracts/workflow.ts";

let serial = 0;

function color(): number {
  serial += 7_919;
  return (Date.now() * 31 + serial) % 0xffffff;
}

/** EmptyImage → SaveImage: over in milliseconds. */
export function quickGraph(): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: color() } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: `quick/${crypto.randomUUID()}` } },
  };
}

/** Reports progress for `frames` steps; node 3 is the slow one. */
export function slowGraph(frames: number): Workflow {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: frames, color: color() } },
    "2": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: color() } },
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

/** The job of the benchmark: a 64-pixel picture, different every time, so that nothing is cached and each run is real. */
import type { Workflow } from "../../contracts/workflow.ts";

export function uniquePicture(): Workflow {
  const color = Math.floor(Math.random() * 0x1000000);
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color } },
    "2": {
      class_type: "SaveImage",
      inputs: { images: ["1", 0], filename_prefix: `bench/${crypto.randomUUID()}` },
    },
  };
}

/** What a job of the benchmark asks of the scripted agent: written into the one place of a graph that is free text. */
import type { Workflow } from "../../../contracts/workflow.ts";

export type Script =
  /** Reports `steps` steps, one every `everyMs`, and ends with the last. */
  | { kind: "progress"; everyMs: number; steps: number }
  /** Ends at once; its output is the prepared file of that index. */
  | { kind: "file"; index: number };

export function scriptedGraph(script: Script): Workflow {
  const words = script.kind === "file" ? ["file", script.index] : ["progress", script.everyMs, script.steps];
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 0 } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: words.join("-") } },
  };
}

/** @throws Error for a graph of somebody else */
export function parseScript(workflow: Workflow): Script {
  const text = String(workflow["2"]?.inputs["filename_prefix"]);
  const [, index] = /^file-(\d+)$/.exec(text) ?? [];
  if (index !== undefined) return { kind: "file", index: Number(index) };
  const [, everyMs, steps] = /^progress-(\d+)-(\d+)$/.exec(text) ?? [];
  if (everyMs === undefined) throw new Error(`Cannot play '${text}': it is no script`);
  return { kind: "progress", everyMs: Number(everyMs), steps: Number(steps) };
}

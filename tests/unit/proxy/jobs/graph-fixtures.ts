// What a real ComfyUI said: the classes it described and the graphs it refused. Read once per test file.
import { readFileSync } from "node:fs";
import { type ObjectInfo, parseObjectInfo } from "../../../../proxy/jobs/object-info.ts";
import { parseWorkflow } from "../../../../contracts/workflow-parse.ts";
import type { Workflow } from "../../../../contracts/workflow.ts";

const fixtures = new URL("../../../fixtures/", import.meta.url);

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, fixtures), "utf8"));
}

export interface ValidationCase {
  name: string;
  graph: Record<string, { class_type: string }>;
  body?: Record<string, unknown>;
  status: number;
  answer: {
    error?: { type: string };
    node_errors: Record<string, { errors: { type: string; extra_info: { input_name?: string } }[] }>;
  };
}

export const validationCases = (readJson("comfy/validation.json") as { cases: ValidationCase[] }).cases;

const recorded = (readJson("comfy/object-info.json") as { classes: Record<string, unknown> }).classes;

/** The recorded body, with further or other classes. */
export function bodyWith(classes: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...recorded, ...classes });
}

export function recordedInfo(classes: Record<string, unknown> = {}): ObjectInfo {
  return parseObjectInfo(bodyWith(classes));
}

/** A body with the recorded classes but one. */
export function infoWithout(className: string): ObjectInfo {
  return parseObjectInfo(JSON.stringify({ ...recorded, [className]: undefined }));
}

/** A recorded class with an input replaced, for lists of model files. */
export function classWithChoices(
  className: string,
  input: string,
  choices: readonly string[],
): Record<string, unknown> {
  const copy = structuredClone(recorded[className]) as { input: { required: Record<string, unknown[]> } };
  copy.input.required[input] = [choices];
  return { [className]: copy };
}

export function workflowFixture(name: string): Workflow {
  return parseWorkflow(readJson(`workflows/${name}.json`));
}

/** An image of the given size, saved. */
export function canvasGraph(inputs: Record<string, unknown> = {}): Workflow {
  return parseWorkflow({
    "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: 0, ...inputs } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "canvas" } },
  });
}

/** Loads the tiny UNet by name. */
export function modelGraph(name: string): Workflow {
  const workflow = workflowFixture("ksampler");
  const loader = workflow["1"];
  if (loader) loader.inputs.unet_name = name;
  return workflow;
}

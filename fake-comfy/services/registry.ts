/**
 * The classes that the services use. Their interfaces are what a real ComfyUI said of them (classes.json, recorded by
 * tests/support/real-comfy/record-services.ts); what they do is in behaviour.ts.
 */
import { readFileSync } from "node:fs";
import type { InputSpec, NodeClass } from "../nodes/node-class.ts";
import { isJsonObject, type Json, type JsonObject } from "../python.ts";
import { SERVICE_BEHAVIOUR } from "./behaviour.ts";
import { SERVICE_MODELS } from "./models.ts";

const RECORDED = new URL("./classes.json", import.meta.url);

/** @param models whether the lists of model files hold what the services ask for, or nothing */
export function serviceClasses(models: "models" | "classes"): Map<string, NodeClass> {
  const file: Json = JSON.parse(readFileSync(RECORDED, "utf8"));
  const classes = isJsonObject(file) && isJsonObject(file["classes"]) ? file["classes"] : {};
  return new Map(
    Object.entries(SERVICE_BEHAVIOUR).map(([name, run]) => {
      const info = classes[name];
      if (!isJsonObject(info)) throw new Error(`Cannot play ${name}: it was not recorded`);
      return [name, define(name, { info: models === "models" ? withModels(name, info) : info, run })];
    }),
  );
}

function define(name: string, { info, run }: { info: JsonObject; run: NodeClass["run"] }): NodeClass {
  const outputs = Array.isArray(info["output"]) ? info["output"].map(String) : [];
  return {
    name,
    inputs: inputsOf(info, "required"),
    optionalInputs: inputsOf(info, "optional"),
    outputs,
    // Only classes with a schema say `output_matchtypes`.
    outputsKind: "output_matchtypes" in info ? "list" : "tuple",
    isOutputNode: info["output_node"] === true,
    describe: () => info,
    validatedInputs: [],
    run,
  };
}

function groupOf(info: JsonObject, group: "required" | "optional"): JsonObject {
  const input = isJsonObject(info["input"]) ? info["input"] : {};
  return isJsonObject(input[group]) ? input[group] : {};
}

function inputsOf(info: JsonObject, group: "required" | "optional"): Record<string, InputSpec> {
  return Object.fromEntries(
    Object.entries(groupOf(info, group)).map(([name, config]): [string, InputSpec] => {
      const [type, options] = Array.isArray(config) ? config : [];
      const known = Array.isArray(type) ? type.map(String) : String(type);
      return [name, isJsonObject(options) ? { type: known, options } : { type: known }];
    }),
  );
}

function withModels(className: string, info: JsonObject): JsonObject {
  const required = { ...groupOf(info, "required") };
  for (const [input, names] of Object.entries(SERVICE_MODELS[className] ?? {})) {
    const config = required[input];
    const [listed, ...options] = Array.isArray(config) ? config : [];
    required[input] = [[...names, ...(Array.isArray(listed) ? listed : [])], ...options];
  }
  const input = isJsonObject(info["input"]) ? info["input"] : {};
  return { ...info, input: { ...input, required } };
}

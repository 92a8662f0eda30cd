/**
 * The inputs a node really has: a dynamic choice brings further inputs, named `choice.input`, and is itself no input
 * at all while the graph holds none of its keys.
 */
import type { InputSpec, NodeClass } from "../nodes/node-class.ts";
import { isJsonObject, type Json, type JsonObject } from "../python.ts";

const DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3";

/** The class's inputs, a dynamic choice followed by what its chosen key brings; optional ones only where they are given. */
export function effectiveInputs(node: NodeClass, given: JsonObject): [name: string, spec: InputSpec][] {
  const optional = Object.entries(node.optionalInputs ?? {}).filter(([name]) => Object.hasOwn(given, name));
  return [...Object.entries(node.inputs), ...optional].flatMap(([name, spec]): [string, InputSpec][] => {
    if (spec.type !== DYNAMIC_COMBO) return [[name, spec]];
    const choice = chosen(spec, given[name] ?? null);
    return choice === null ? [] : [[name, spec], ...choiceInputs(name, choice)];
  });
}

function chosen(spec: InputSpec, key: Json): JsonObject | null {
  const choices = spec.options?.["options"];
  return (Array.isArray(choices) ? choices : []).filter(isJsonObject).find((item) => item["key"] === key) ?? null;
}

function choiceInputs(name: string, choice: JsonObject): [string, InputSpec][] {
  const inputs = isJsonObject(choice["inputs"]) ? choice["inputs"] : {};
  const required = isJsonObject(inputs["required"]) ? inputs["required"] : {};
  return Object.entries(required).flatMap(([inner, config]): [string, InputSpec][] => {
    const [type, options] = Array.isArray(config) ? config : [];
    return typeof type === "string" ? [[`${name}.${inner}`, isJsonObject(options) ? { type, options } : { type }]] : [];
  });
}

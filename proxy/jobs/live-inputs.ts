/**
 * Which inputs a node has, given the values it was submitted with: dynamic V3 inputs bring further ones, depending on
 * the chosen option or the linked slot (ComfyUI 0.30 `get_finalized_class_inputs`).
 */
import { isRecord } from "../../contracts/workflow.ts";
import type { InputGroup, InputInfo } from "./input-info.ts";

export interface LiveInput {
  /** Dotted below a dynamic input. */
  name: string;
  info: InputInfo;
  required: boolean;
}

/** In the order of `/object_info`: required first. */
export function liveInputs(group: InputGroup, values: Readonly<Record<string, unknown>>): LiveInput[] {
  const found: LiveInput[] = [];
  collect({ group, values, prefix: "", found });
  return found;
}

interface Collect {
  group: InputGroup;
  values: Readonly<Record<string, unknown>>;
  prefix: string;
  found: LiveInput[];
}

function collect({ group, values, prefix, found }: Collect): void {
  for (const [inputs, required] of [[group.required, true], [group.optional, false]] as const) {
    for (const [id, info] of inputs) collectOne({ name: `${prefix}${id}`, info, required }, values, found);
  }
}

function collectOne(input: LiveInput, values: Readonly<Record<string, unknown>>, found: LiveInput[]): void {
  const { name, info: { dynamic } } = input;
  const nest = (group: InputGroup) => {
    collect({ group, values, prefix: `${name}.`, found });
    found.push(input);
  };
  switch (dynamic?.kind) {
    case undefined:
      found.push(input);
      break;
    case "unknown":
      break;
    case "combo": {
      const value = values[name];
      const chosen = isRecord(value) ? undefined : dynamic.options.get(value);
      // As in ComfyUI: without a known choice the input counts as absent, and is not missed.
      if (chosen) nest(chosen);
      break;
    }
    case "slot":
      if (Object.hasOwn(values, name)) nest(dynamic.inputs);
      break;
    case "autogrow":
      for (const [index, id] of dynamic.names.entries()) {
        found.push({ name: `${name}.${id}`, info: dynamic.template, required: index < dynamic.requiredNames });
      }
      break;
  }
}

/**
 * One input of a node class as ComfyUI's `/object_info` describes it: `[type, options]`, where an old combo has its
 * choices in the place of the type, a V3 combo is `["COMBO", { options }]`, and the three dynamic V3 types bring
 * further inputs with dotted names.
 */
import { z } from "zod";
import { isRecord } from "../../contracts/workflow.ts";
import { looksLikeModelFile } from "./model-file.ts";

/** The choices of a combo. Equal lists of one body are one object, so identity is equality. */
export interface ChoiceList {
  /** Booleans stand as 0 and 1, because Python finds `True` in `[1]`. */
  values: ReadonlySet<unknown>;
  /** True for a non-empty list of nothing but weights. */
  allModels: boolean;
}

/** A type name, possibly a comma union, or the choices themselves in the old form. */
export type SocketType = string | ChoiceList;

export interface InputGroup {
  required: ReadonlyMap<string, InputInfo>;
  optional: ReadonlyMap<string, InputInfo>;
}

export type DynamicInput =
  | { kind: "combo"; options: ReadonlyMap<unknown, InputGroup> }
  | { kind: "slot"; inputs: InputGroup }
  | { kind: "autogrow"; names: readonly string[]; requiredNames: number; template: InputInfo }
  /** A dynamic type that is newer than this code: nothing about it can be checked. */
  | { kind: "unknown" };

export interface InputInfo {
  type: SocketType;
  choices: ChoiceList | null;
  multiselect: boolean;
  min: number | null;
  max: number | null;
  /** The page offers to upload a file for it. */
  upload: boolean;
  dynamic: DynamicInput | null;
}

/** A body has thousands of inputs: their options are read by hand, in a third of the time that a schema takes. */
interface Options {
  options: unknown[];
  multiselect: boolean;
  min: number | null;
  max: number | null;
  template: unknown;
  inputs: unknown;
  slotType: string | null;
  upload: boolean;
}

const DynamicOption = z.object({ key: z.unknown(), inputs: z.unknown() });
const Template = z.object({
  input: z.unknown(),
  prefix: z.string().nullish(),
  names: z.array(z.string()).nullish(),
  min: z.int().nullish(),
  max: z.int().nullish(),
});

const UPLOAD_FLAG = /(^|_)upload$/;
/** ComfyUI's own bound on autogrow. */
const MAX_NAMES = 100;
const MAX_DEPTH = 8;
const NO_OPTIONS: Record<string, unknown> = {};
const NOTHING: InputGroup = { required: new Map(), optional: new Map() };

function readOptions(value: unknown): Options {
  const raw = isRecord(value) ? value : NO_OPTIONS;
  return {
    options: Array.isArray(raw.options) ? raw.options : [],
    multiselect: raw.multiselect === true,
    min: typeof raw.min === "number" ? raw.min : null,
    max: typeof raw.max === "number" ? raw.max : null,
    template: raw.template,
    inputs: raw.inputs,
    slotType: typeof raw.slotType === "string" ? raw.slotType : null,
    upload: Object.keys(raw).some((key) => raw[key] === true && UPLOAD_FLAG.test(key)),
  };
}

export function comparable(value: unknown): unknown {
  return typeof value === "boolean" ? Number(value) : value;
}

/** Reads the input specifications of one body; keeps one object per distinct list of choices. */
export class InputReader {
  readonly #lists = new Map<string, ChoiceList>();

  choices(values: readonly unknown[]): ChoiceList {
    const key = JSON.stringify(values);
    let list = this.#lists.get(key);
    if (!list) {
      list = {
        values: new Set(values.map(comparable)),
        allModels: values.length > 0 && values.every(looksLikeModelFile),
      };
      this.#lists.set(key, list);
    }
    return list;
  }

  /** Malformed parts are left out: what cannot be read is not checked. */
  group(value: unknown, depth = 0): InputGroup {
    if (!isRecord(value) || depth > MAX_DEPTH) return NOTHING;
    return { required: this.#inputs(value.required, depth), optional: this.#inputs(value.optional, depth) };
  }

  #inputs(value: unknown, depth: number): ReadonlyMap<string, InputInfo> {
    const inputs = new Map<string, InputInfo>();
    if (!isRecord(value)) return inputs;
    for (const [name, spec] of Object.entries(value)) {
      const info = this.#input(spec, depth);
      if (info) inputs.set(name, info);
    }
    return inputs;
  }

  #input(spec: unknown, depth: number): InputInfo | null {
    if (!Array.isArray(spec)) return null;
    const [type, raw]: unknown[] = spec;
    if (typeof type !== "string" && !Array.isArray(type)) return null;
    const options = readOptions(raw);
    const oldChoices = Array.isArray(type) ? this.choices(type) : null;
    return {
      type: oldChoices ?? (type === "COMFY_DYNAMICSLOT_V3" ? (options.slotType ?? "*") : String(type)),
      choices: oldChoices ?? (type === "COMBO" ? this.choices(options.options) : null),
      multiselect: options.multiselect,
      min: options.min,
      max: options.max,
      upload: options.upload,
      dynamic: typeof type === "string" ? this.#dynamic(type, options, depth + 1) : null,
    };
  }

  #dynamic(type: string, options: Options, depth: number): DynamicInput | null {
    switch (type) {
      case "COMFY_DYNAMICCOMBO_V3": {
        const parsed = z.array(DynamicOption).safeParse(options.options);
        if (!parsed.success) return { kind: "unknown" };
        return {
          kind: "combo",
          options: new Map(parsed.data.map((option) => [option.key, this.group(option.inputs, depth)])),
        };
      }
      case "COMFY_DYNAMICSLOT_V3":
        return { kind: "slot", inputs: this.group(options.inputs, depth) };
      case "COMFY_AUTOGROW_V3":
        return this.#autogrow(options.template, depth);
      default:
        return /^COMFY_(?!MATCHTYPE_|MULTITYPED_)\w*_V\d+$/.test(type) ? { kind: "unknown" } : null;
    }
  }

  #autogrow(value: unknown, depth: number): DynamicInput {
    const parsed = Template.safeParse(value);
    if (!parsed.success) return { kind: "unknown" };
    const { input, names, prefix, min, max } = parsed.data;
    const { required, optional } = this.group(input, depth);
    const [first] = [...required.values(), ...optional.values()];
    if (!first) return { kind: "unknown" };
    const count = Math.min(max ?? MAX_NAMES, MAX_NAMES);
    return {
      kind: "autogrow",
      names: names ?? Array.from({ length: count }, (_, index) => `${prefix ?? ""}${index}`),
      requiredNames: required.size > 0 ? (min ?? 0) : 0,
      template: first,
    };
  }
}

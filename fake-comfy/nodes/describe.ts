/** The two shapes of a class in `/object_info`: that of the older classes and that of the newer, schema-based ones. */
import type { Json, JsonObject } from "../python.ts";
import type { InputSpec } from "./node-class.ts";

/** The facts both shapes are made of. */
export interface Description {
  readonly name: string;
  readonly displayName: string;
  readonly category: string;
  readonly pythonModule: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Inputs that the server fills in itself. */
  readonly hidden?: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  readonly outputNames?: readonly string[];
  readonly isOutputNode?: boolean;
  readonly deprecated?: boolean;
  readonly description?: string;
  readonly searchAliases?: readonly string[];
  readonly essentials?: string;
}

/** As the classes with `INPUT_TYPES` are shown. */
export function classicInfo(facts: Description): JsonObject {
  return {
    ...commonInfo(facts, facts.hidden),
    search_aliases: [...(facts.searchAliases ?? [])],
    ...(facts.essentials === undefined ? {} : { essentials_category: facts.essentials }),
  };
}

/** As the classes with a schema are shown. */
export function schemaInfo(facts: Description): JsonObject {
  const hidden = facts.hidden === undefined
    ? undefined
    : Object.fromEntries(Object.entries(facts.hidden).map(([name, type]) => [name, [type]]));
  return {
    ...commonInfo(facts, hidden),
    output_tooltips: facts.outputs.map(() => null),
    output_matchtypes: null,
    deprecated: facts.deprecated ?? false,
    experimental: false,
    dev_only: false,
    api_node: false,
    price_badge: null,
    search_aliases: [...(facts.searchAliases ?? [])],
    essentials_category: facts.essentials ?? null,
  };
}

/** An input as `[type]` or `[type, options]`. */
export function inputConfig(spec: InputSpec): Json[] {
  const type = typeof spec.type === "string" ? spec.type : [...spec.type];
  return spec.options === undefined ? [type] : [type, spec.options];
}

function commonInfo(facts: Description, hidden: Record<string, Json> | undefined): JsonObject {
  const required = Object.fromEntries(Object.entries(facts.inputs).map(([name, spec]) => [name, inputConfig(spec)]));
  return {
    input: hidden === undefined ? { required } : { required, hidden },
    input_order: {
      required: Object.keys(facts.inputs),
      ...(hidden === undefined ? {} : { hidden: Object.keys(hidden) }),
    },
    is_input_list: false,
    output: [...facts.outputs],
    output_is_list: facts.outputs.map(() => false),
    output_name: [...(facts.outputNames ?? facts.outputs)],
    name: facts.name,
    display_name: facts.displayName,
    description: facts.description ?? "",
    python_module: facts.pythonModule,
    category: facts.category,
    output_node: facts.isOutputNode ?? false,
    has_intermediate_output: false,
  };
}

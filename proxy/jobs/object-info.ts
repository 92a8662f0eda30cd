/** A ComfyUI `/object_info` body (0.7 MB without custom nodes) as the compact index that validation and planning read. */
import { z } from "zod";
import { type ChoiceList, type InputGroup, type InputInfo, InputReader, type SocketType } from "./input-info.ts";

export interface ClassInfo {
  inputs: InputGroup;
  /** Types of its outputs, by slot. */
  outputs: readonly SocketType[];
  /** Only these are roots of an execution. */
  outputNode: boolean;
  /** Choices of every combo, by dotted name; those of alternative branches are joined. */
  choices: ReadonlyMap<string, readonly ChoiceList[]>;
}

export type ObjectInfo = ReadonlyMap<string, ClassInfo>;

const ForeignClass = z.object({
  input: z.unknown(),
  output: z.array(z.unknown()).nullish().catch(null),
  output_node: z.boolean().nullish().catch(null),
});
const Body = z.record(z.string(), z.unknown());

function collectChoices(group: InputGroup, prefix: string, into: Map<string, ChoiceList[]>): void {
  for (const [name, info] of [...group.required, ...group.optional]) {
    const path = `${prefix}${name}`;
    if (info.choices) {
      const lists = into.get(path);
      if (lists) lists.push(info.choices);
      else into.set(path, [info.choices]);
    }
    for (const [nestedPrefix, nested] of nestedGroups(path, info)) collectChoices(nested, nestedPrefix, into);
  }
}

function nestedGroups(path: string, { dynamic }: InputInfo): [prefix: string, group: InputGroup][] {
  switch (dynamic?.kind) {
    case undefined:
    case "unknown":
      return [];
    case "slot":
      return [[`${path}.`, dynamic.inputs]];
    case "combo":
      return [...dynamic.options.values()].map((group) => [`${path}.`, group]);
    case "autogrow":
      return [[`${path}.`, {
        required: new Map(),
        optional: new Map(dynamic.names.map((name) => [name, dynamic.template])),
      }]];
  }
}

/**
 * Parses a body. A class that cannot be read is known, with nothing about it to check.
 * @throws SyntaxError or ZodError when the body is no JSON object.
 */
export function parseObjectInfo(body: string): ObjectInfo {
  const reader = new InputReader();
  const index = new Map<string, ClassInfo>();
  for (const [name, value] of Object.entries(Body.parse(JSON.parse(body)))) {
    const parsed = ForeignClass.safeParse(value);
    const foreign = parsed.success ? parsed.data : { input: null, output: null, output_node: null };
    const inputs = reader.group(foreign.input);
    const choices = new Map<string, ChoiceList[]>();
    collectChoices(inputs, "", choices);
    index.set(name, {
      inputs,
      outputs: (foreign.output ?? []).map((type) => Array.isArray(type) ? reader.choices(type) : String(type)),
      outputNode: foreign.output_node ?? false,
      choices,
    });
  }
  return index;
}

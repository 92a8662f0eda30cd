/** Builds node classes from their facts and their function. */
import { classicInfo, type Description, schemaInfo } from "./describe.ts";
import type { NodeClass } from "./node-class.ts";

/** An older class: its outputs are a tuple. */
export function classicNode(facts: Description, behaviour: Pick<NodeClass, "run"> & Partial<NodeClass>): NodeClass {
  return define(facts, { describe: () => classicInfo(facts), outputsKind: "tuple", ...behaviour });
}

/** A newer, schema-based class: its outputs are a list. */
export function schemaNode(facts: Description, behaviour: Pick<NodeClass, "run"> & Partial<NodeClass>): NodeClass {
  return define(facts, { describe: () => schemaInfo(facts), outputsKind: "list", ...behaviour });
}

function define(
  facts: Description,
  rest: Pick<NodeClass, "run" | "describe" | "outputsKind"> & Partial<NodeClass>,
): NodeClass {
  return {
    name: facts.name,
    inputs: facts.inputs,
    ...(facts.hidden === undefined ? {} : { hidden: facts.hidden }),
    outputs: facts.outputs,
    isOutputNode: facts.isOutputNode ?? false,
    validatedInputs: [],
    ...rest,
  };
}

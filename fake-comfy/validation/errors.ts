/** The errors of `POST /prompt`, as they stand in `error` and `node_errors`. */
import { inputConfig } from "../nodes/describe.ts";
import type { InputSpec } from "../nodes/node-class.ts";
import { type Json, type JsonObject, pyFloat, pyRepr, pyStr } from "../python.ts";

/** One error of a node or of a whole prompt. */
export interface PromptError {
  type: string;
  message: string;
  details: string;
  extra_info: JsonObject;
}

/** Lists longer than this are not repeated in an answer. */
const SHOWN_CHOICES = 20;

/** An input of a node together with what the graph holds for it. */
export interface Received {
  readonly name: string;
  readonly spec: InputSpec;
  readonly value: Json;
}

export function requiredInputMissing(name: string): PromptError {
  return {
    type: "required_input_missing",
    message: "Required input is missing",
    details: name.split(".").at(-1) ?? name,
    extra_info: { input_name: name },
  };
}

export function badLinkedInput(received: Received): PromptError {
  return {
    type: "bad_linked_input",
    message: "Bad linked input, must be a length-2 list of [node_id, slot_index]",
    details: received.name,
    extra_info: receivedInfo(received),
  };
}

export function returnTypeMismatch(received: Received, receivedType: string): PromptError {
  const wanted = typeof received.spec.type === "string" ? received.spec.type : pyRepr([...received.spec.type]);
  return {
    type: "return_type_mismatch",
    message: "Return type mismatch between linked nodes",
    details: `${received.name}, received_type(${receivedType}) mismatch input_type(${wanted})`,
    extra_info: {
      input_name: received.name,
      input_config: inputConfig(received.spec),
      received_type: receivedType,
      linked_node: received.value,
    },
  };
}

export function invalidInputType(received: Received, reason: string): PromptError {
  return {
    type: "invalid_input_type",
    message: `Failed to convert an input value to a ${String(received.spec.type)} value`,
    details: `${received.name}, ${pyStr(received.value)}, ${reason}`,
    extra_info: { ...receivedInfo(received), exception_message: reason },
  };
}

export function valueOutOfRange(received: Received, bound: "min" | "max", limit: number): PromptError {
  const show = (value: Json) => received.spec.type === "FLOAT" ? pyFloat(Number(value)) : pyStr(value);
  const relation = bound === "min" ? "smaller" : "bigger";
  return {
    type: `value_${relation}_than_${bound}`,
    message: `Value ${show(received.value)} ${relation} than ${bound} of ${show(limit)}`,
    details: received.name,
    extra_info: receivedInfo(received),
  };
}

export function valueNotInList(received: Received, choices: readonly Json[]): PromptError {
  const many = choices.length > SHOWN_CHOICES;
  const list = many ? `(list of length ${choices.length})` : pyRepr([...choices]);
  return {
    type: "value_not_in_list",
    message: "Value not in list",
    details: `${received.name}: ${pyRepr(received.value)} not in ${list}`,
    extra_info: { ...receivedInfo(received), input_config: many ? null : inputConfig(received.spec) },
  };
}

/** @param reason what the class said; empty for a plain no */
export function customValidationFailed(name: string, reason: string): PromptError {
  return {
    type: "custom_validation_failed",
    message: "Custom validation failed for node",
    details: reason === "" ? name : `${name} - ${reason}`,
    extra_info: { input_name: name },
  };
}

export function dependencyCycle(nodeId: string, cycle: { nodes: string[]; path: string }): PromptError {
  return {
    type: "dependency_cycle",
    message: "Dependency cycle detected",
    details: cycle.path,
    extra_info: { node_id: nodeId, cycle_nodes: cycle.nodes },
  };
}

export function exceptionDuringInnerValidation(
  received: Received,
  thrown: { type: string; message: string },
): PromptError {
  return {
    type: "exception_during_inner_validation",
    message: "Exception when validating inner node",
    details: thrown.message,
    extra_info: {
      input_name: received.name,
      input_config: inputConfig(received.spec),
      exception_message: thrown.message,
      exception_type: thrown.type,
      traceback: [],
      linked_node: received.value,
    },
  };
}

export function exceptionDuringValidation(thrown: { type: string; message: string }): PromptError {
  return {
    type: "exception_during_validation",
    message: "Exception when validating node",
    details: thrown.message,
    extra_info: { exception_type: thrown.type, traceback: [] },
  };
}

/** The node names no class at all. */
export function noClassType(nodeId: string, title: Json): PromptError {
  const name = title === null || title === "" ? `ID #${nodeId}` : pyStr(title);
  return missingNodeType(nodeId, {
    message: `Node '${name}' has no class_type. The workflow may be corrupted or a custom node is missing.`,
    classType: null,
    title,
  });
}

/** The class is not installed. */
export function unknownClass(nodeId: string, classType: Json, title: Json): PromptError {
  const message = `Node '${pyStr(title)}' not found. The custom node may not be installed.`;
  return missingNodeType(nodeId, { message, classType, title });
}

function missingNodeType(nodeId: string, node: { message: string; classType: Json; title: Json }): PromptError {
  return {
    type: "missing_node_type",
    message: node.message,
    details: `Node ID '#${nodeId}'`,
    extra_info: { node_id: nodeId, class_type: node.classType, node_title: node.title },
  };
}

export function promptNoOutputs(): PromptError {
  return { type: "prompt_no_outputs", message: "Prompt has no outputs", details: "", extra_info: {} };
}

export function promptOutputsFailed(details: string): PromptError {
  return {
    type: "prompt_outputs_failed_validation",
    message: "Prompt outputs failed validation",
    details,
    extra_info: {},
  };
}

function receivedInfo(received: Received): JsonObject {
  return {
    input_name: received.name,
    input_config: inputConfig(received.spec),
    received_value: received.value,
  };
}

/** Validates a whole prompt: classes first, then every output node with what it depends on. */
import type { Directories } from "../directories.ts";
import type { NodeClass } from "../nodes/node-class.ts";
import { isJsonObject, type Json, type JsonObject, pyContains, PyError, pyTypeName } from "../python.ts";
import type { Graph } from "../queue/prompt-queue.ts";
import {
  exceptionDuringValidation,
  noClassType,
  type PromptError,
  promptNoOutputs,
  promptOutputsFailed,
  unknownClass,
} from "./errors.ts";
import { NodeValidator } from "./node.ts";

/** What a validation depends on besides the graph. */
export interface ValidationEnvironment {
  readonly classes: ReadonlyMap<string, NodeClass>;
  readonly directories: Directories;
}

/** Accepted with the outputs that will run (and errors of those that will not), or refused. */
export type Validation =
  | { readonly ok: true; readonly outputs: string[]; readonly nodeErrors: JsonObject }
  | { readonly ok: false; readonly error: PromptError; readonly nodeErrors: JsonObject };

/**
 * @param prompt the member `prompt` of the body, not checked yet; constants in it are coerced in place
 * @param targets `partial_execution_targets`; null runs every output node
 * @throws {PyError} where ComfyUI answers 500
 */
export function validatePrompt(prompt: Json, targets: Json, environment: ValidationEnvironment): Validation {
  const graph = checkShape(prompt);
  const roots: string[] = [];
  for (const [nodeId, node] of Object.entries(graph)) {
    const found = classOf(nodeId, node, environment);
    if (!("run" in found)) return { ok: false, error: found, nodeErrors: {} };
    if (found.isOutputNode && (targets === null || pyContains(targets, nodeId))) roots.push(nodeId);
  }
  if (roots.length === 0) return { ok: false, error: promptNoOutputs(), nodeErrors: {} };
  return validateRoots(graph, roots, environment);
}

function validateRoots(graph: Graph, roots: readonly string[], environment: ValidationEnvironment): Validation {
  const validator = new NodeValidator(graph, environment);
  const outputs: string[] = [];
  const nodeErrors: Record<string, { errors: PromptError[]; dependent_outputs: string[]; class_type: string }> = {};
  const reasons: string[] = [];
  for (const root of roots) {
    const verdict = rootVerdict(validator, root);
    if (verdict.valid) {
      outputs.push(root);
      continue;
    }
    reasons.push(...verdict.errors.map((error) => `${error.message}: ${error.details}`));
    for (const [nodeId, { valid, errors }] of validator.verdicts) {
      if (valid || errors.length === 0) continue;
      const node = graph[nodeId];
      const class_type = isJsonObject(node) ? String(node["class_type"]) : "";
      nodeErrors[nodeId] ??= { errors, dependent_outputs: [], class_type };
      nodeErrors[nodeId].dependent_outputs.push(root);
    }
  }
  const shown = JSON.parse(JSON.stringify(nodeErrors)) as JsonObject;
  if (outputs.length > 0) return { ok: true, outputs, nodeErrors: shown };
  return { ok: false, error: promptOutputsFailed(reasons.join("\n")), nodeErrors: shown };
}

function rootVerdict(validator: NodeValidator, root: string): { valid: boolean; errors: PromptError[] } {
  try {
    return validator.validate(root);
  } catch (error) {
    if (!(error instanceof PyError)) throw error;
    const verdict = { valid: false, errors: [exceptionDuringValidation(error)] };
    validator.verdicts.set(root, verdict);
    return verdict;
  }
}

/** A body that is not a graph of nodes makes the server stumble before it can say what is wrong. */
function checkShape(prompt: Json): Graph {
  if (!isJsonObject(prompt)) {
    throw new PyError("AttributeError", `'${pyTypeName(prompt)}' object has no attribute 'items'`);
  }
  for (const node of Object.values(prompt)) {
    if (!isJsonObject(node)) throw new PyError("TypeError", `argument of type '${pyTypeName(node)}' is not a node`);
    const classType = node["class_type"];
    if (Array.isArray(classType) || isJsonObject(classType)) {
      throw new PyError("TypeError", `unhashable type: '${pyTypeName(classType)}'`);
    }
    const hasBoth = Object.hasOwn(node, "class_type") && Object.hasOwn(node, "inputs");
    if (hasBoth && !isJsonObject(node["inputs"])) throw new PyError("AttributeError", "no attribute 'items'");
  }
  return prompt;
}

function classOf(nodeId: string, node: Json | undefined, environment: ValidationEnvironment): NodeClass | PromptError {
  const fields = isJsonObject(node) ? node : {};
  const meta = fields["_meta"] ?? {};
  if (!Object.hasOwn(fields, "class_type")) return noClassType(nodeId, titleOf(meta, null));
  const name = fields["class_type"] ?? null;
  const found = typeof name === "string" ? environment.classes.get(name) : undefined;
  return found ?? unknownClass(nodeId, name, titleOf(meta, name));
}

function titleOf(meta: Json, otherwise: Json): Json {
  if (!isJsonObject(meta)) throw new PyError("AttributeError", `'${pyTypeName(meta)}' object has no attribute 'get'`);
  return meta["title"] ?? otherwise;
}

/**
 * Would a ComfyUI with this `/object_info` accept this graph? Pure, and of ComfyUI's own verdict (0.30
 * `validate_prompt`): only nodes that an output depends on are looked at, values are converted as Python converts them.
 * It differs in three ways on purpose: one bad output refuses the whole graph, an absent model file is reported apart,
 * and file inputs must be asset references. What a class checks by code of its own, only the pod can find.
 */
import { MAX_BAD_NODES } from "../../contracts/node-errors.ts";
import { isLink, isRecord, type JsonValue, type Workflow, type WorkflowNode } from "../../contracts/workflow.ts";
import type { NodeProblem } from "../../contracts/workflow-value.ts";
import { checkChoice } from "./checks/choice.ts";
import { linkProblem } from "./checks/link.ts";
import { scalarProblem } from "./checks/scalar.ts";
import { readsFile, uploadProblem } from "./checks/upload.ts";
import { type LiveInput, liveInputs } from "./live-inputs.ts";
import type { ClassInfo, ObjectInfo } from "./object-info.ts";

export interface MissingModel {
  nodeId: string;
  classType: string;
  input: string;
  name: string;
}

export interface GraphVerdict {
  /** Class types that this body lacks; when there are any, nothing else was looked at. */
  unknownClasses: string[];
  /** What is wrong with the graph as a whole, or null. */
  graphError: string | null;
  /** By node id; of 50 nodes at most. */
  nodeErrors: Record<string, NodeProblem[]>;
  missingModels: MissingModel[];
  /** Some input that reads a file is not an asset reference. */
  namesFile: boolean;
}

export function isFaultless(verdict: GraphVerdict): boolean {
  return verdict.unknownClasses.length === 0 && verdict.graphError === null &&
    Object.keys(verdict.nodeErrors).length === 0;
}

export function validateGraph(workflow: Workflow, info: ObjectInfo): GraphVerdict {
  const verdict: GraphVerdict = {
    unknownClasses: [],
    graphError: null,
    nodeErrors: {},
    missingModels: [],
    namesFile: false,
  };
  const nodes = Object.entries(workflow);
  verdict.unknownClasses = [...new Set(nodes.map(([, node]) => node.class_type))].filter((name) => !info.has(name));
  if (verdict.unknownClasses.length > 0) {
    const unknown = new Set(verdict.unknownClasses);
    for (
      const [nodeId, { class_type }] of nodes.filter(([, node]) => unknown.has(node.class_type)).slice(0, MAX_BAD_NODES)
    ) {
      verdict.nodeErrors[nodeId] = [{ field: "class_type", reason: `No pod has the class '${class_type}'` }];
    }
    return verdict;
  }
  const todo = nodes.filter(([, node]) => info.get(node.class_type)?.outputNode).map(([nodeId]) => nodeId);
  if (todo.length === 0) verdict.graphError = "it has no output node, such as SaveImage, so nothing would run";
  const seen = new Set(todo);
  for (let nodeId = todo.pop(); nodeId !== undefined; nodeId = todo.pop()) {
    for (const source of checkNode({ nodeId, workflow, info, verdict })) {
      if (!seen.has(source)) todo.push(source);
      seen.add(source);
    }
    if (Object.keys(verdict.nodeErrors).length >= MAX_BAD_NODES) break;
  }
  return verdict;
}

interface NodeCheck {
  nodeId: string;
  workflow: Workflow;
  info: ObjectInfo;
  verdict: GraphVerdict;
}

/** Notes what is wrong with one node and returns the nodes it is soundly linked to. */
function checkNode(check: NodeCheck): string[] {
  const node: WorkflowNode | undefined = check.workflow[check.nodeId];
  const classInfo: ClassInfo | undefined = node && check.info.get(node.class_type);
  if (!node || !classInfo) return [];
  const problems: NodeProblem[] = [];
  const sources: string[] = [];
  for (const input of liveInputs(classInfo.inputs, node.inputs)) {
    const value = Object.hasOwn(node.inputs, input.name) ? node.inputs[input.name] : undefined;
    const reason = value === undefined
      ? (input.required ? "Required input is missing" : null)
      : inputProblem({ ...check, node, input, value });
    if (reason !== null) problems.push({ field: input.name, reason });
    else if (isLink(value)) sources.push(value[0]);
  }
  if (problems.length > 0) check.verdict.nodeErrors[check.nodeId] = problems;
  return sources;
}

function inputProblem(
  { nodeId, workflow, info, verdict, node, input, value }: NodeCheck & {
    node: WorkflowNode;
    input: LiveInput;
    value: JsonValue;
  },
): string | null {
  const classType = node.class_type;
  if (input.info.upload || readsFile(classType, input.name)) {
    const problem = uploadProblem(value);
    verdict.namesFile ||= problem !== null;
    return problem;
  }
  if (Array.isArray(value)) {
    return linkProblem(value, input.info.type, (id) => {
      const from = Object.hasOwn(workflow, id) ? workflow[id] : undefined;
      return from ? { classType: from.class_type, outputs: info.get(from.class_type)?.outputs ?? [] } : null;
    });
  }
  const plain = isRecord(value) && "__value__" in value ? value.__value__ : value;
  const reason = scalarProblem(plain, input.info);
  if (reason !== null) return reason;
  const choice = checkChoice(plain, input.info);
  switch (choice.kind) {
    case "ok":
      return null;
    case "missing_models":
      // One by one: a list of choices may be longer than a call's arguments can be.
      for (const name of choice.names) verdict.missingModels.push({ nodeId, classType, input: input.name, name });
      return null;
    case "wrong":
      return choice.reason;
  }
}

/**
 * Foreign input → {@link Workflow}, or a typed error that names the node. Nothing here needs a pod:
 * classes, types and ranges are checked later against `/object_info`.
 */
import { z } from "zod";
import { FleetError } from "./errors.ts";
import { findCycle } from "./workflow-cycle.ts";
import { type NodeProblem, valueProblem } from "./workflow-value.ts";
import { isLink, isRecord, type JsonValue, type Workflow, type WorkflowNode } from "./workflow.ts";

/** More nodes than any published workflow has (the largest seen is about 1,200). */
const MAX_NODES = 10_000;
const MAX_PROBLEMS = 50;

type NodeProblems = Record<string, NodeProblem[]>;

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}

function invalid(message: string, hint: string, nodeErrors?: NodeProblems): FleetError {
  return new FleetError("invalid_workflow", message, { hint, details: nodeErrors ? { nodeErrors } : undefined });
}

function parseNode(nodeId: string, value: unknown, problems: NodeProblem[]): WorkflowNode | null {
  if (!isRecord(value) || typeof value.class_type !== "string" || value.class_type === "") {
    problems.push({ field: "class_type", reason: `Node '${nodeId}' has no class_type` });
    return null;
  }
  const inputs = value.inputs ?? {};
  if (!isRecord(inputs)) {
    problems.push({ field: "inputs", reason: `Node '${nodeId}' has ${describe(inputs)} for inputs` });
    return null;
  }
  for (const [field, input] of Object.entries(inputs)) {
    const reason = valueProblem(field, input);
    if (reason !== null) problems.push({ field, reason });
  }
  const meta = isRecord(value._meta) && typeof value._meta.title === "string"
    ? { title: value._meta.title }
    : undefined;
  return {
    class_type: value.class_type,
    inputs: inputs as Record<string, JsonValue>,
    ...(meta ? { _meta: meta } : {}),
  };
}

function refuseOtherFormats(value: Record<string, unknown>): void {
  if (Array.isArray(value.nodes)) {
    throw new FleetError("workflow_format_ui", "Cannot run workflow: it is in the UI format", {
      hint: "In ComfyUI choose Workflow → Export (API) and submit that file.",
    });
  }
  if (isRecord(value.prompt) && !("class_type" in value.prompt)) {
    throw invalid("Cannot read workflow: it is wrapped in 'prompt'", "Submit the object below 'prompt' itself.");
  }
}

function danglingLinks(workflow: Workflow, nodeErrors: NodeProblems): void {
  for (const [nodeId, node] of Object.entries(workflow)) {
    for (const [field, value] of Object.entries(node.inputs)) {
      if (isLink(value) && !Object.hasOwn(workflow, value[0])) {
        (nodeErrors[nodeId] ??= []).push({ field, reason: `It is linked to node '${value[0]}', which does not exist` });
      }
    }
  }
}

/**
 * Parses an API-format graph.
 * @throws FleetError `workflow_format_ui` for a graph saved by ComfyUI's page; `invalid_workflow` for everything else
 * (no object, no nodes, bad node, unsafe number, path that leaves its folder, missing link target, cycle), with
 * `details.nodeErrors` where a node is to blame.
 */
export function parseWorkflow(value: unknown): Workflow {
  if (!isRecord(value)) {
    throw invalid(`Cannot read workflow: it is ${describe(value)}`, "Submit an API-format graph: an object of nodes.");
  }
  refuseOtherFormats(value);
  const entries = Object.entries(value);
  if (entries.length === 0) {
    throw invalid("Cannot run workflow: it has no nodes", "Export the workflow again in API format.");
  }
  if (entries.length > MAX_NODES) {
    throw invalid(`Cannot run workflow: it has ${entries.length} nodes`, `At most ${MAX_NODES} nodes are accepted.`);
  }
  const workflow: Workflow = {};
  const nodeErrors: NodeProblems = {};
  for (const [nodeId, raw] of entries) {
    const problems: NodeProblem[] = [];
    const node = nodeId === "__proto__" ? null : parseNode(nodeId, raw, problems);
    if (node) workflow[nodeId] = node;
    if (problems.length > 0 || !node) nodeErrors[nodeId] = problems;
    if (Object.keys(nodeErrors).length >= MAX_PROBLEMS) break;
  }
  if (Object.keys(nodeErrors).length === 0) danglingLinks(workflow, nodeErrors);
  const [firstId, firstProblems] = Object.entries(nodeErrors)[0] ?? [];
  if (firstId !== undefined) {
    const reason = firstProblems?.[0]?.reason ?? "it is no node";
    throw invalid(
      `Cannot run workflow: node '${firstId}': ${reason}`,
      "Mend the nodes in details.nodeErrors.",
      nodeErrors,
    );
  }
  const cycle = findCycle(workflow);
  if (cycle) {
    throw invalid(`Cannot run workflow: its nodes form a cycle (${cycle.join(" → ")})`, "Remove one of these links.", {
      [cycle[0] ?? ""]: [{ field: "inputs", reason: "This node depends on its own output" }],
    });
  }
  return workflow;
}

/** Schema form of {@link parseWorkflow}; the typed error travels through tRPC as the cause. */
export const WorkflowSchema = z.custom<Workflow>().transform((value): Workflow => parseWorkflow(value));

/**
 * Foreign input → {@link Workflow}, or a typed error that names the node. Nothing here needs a pod:
 * classes, types and ranges are checked later against `/object_info`.
 */
import { z } from "zod";
import { FleetError } from "./errors.ts";
import { NodeErrors } from "./node-errors.ts";
import { firstFew, shorten } from "./shorten.ts";
import { findCycle } from "./workflow-cycle.ts";
import { isPlainRecord, isReservedName, newValueBudget, type ValueBudget, valueProblem } from "./workflow-value.ts";
import { isLink, isRecord, type JsonValue, type Workflow, type WorkflowNode } from "./workflow.ts";

/** More nodes than any published workflow has (the largest seen is about 1,200). */
const MAX_NODES = 10_000;
/** Longest node id, class type and input name. They come back in messages and stand in every placement key. */
const MAX_NAME_CHARS = 300;

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}

function invalid(message: string, hint: string, nodeErrors?: NodeErrors): FleetError {
  const details = nodeErrors ? { nodeErrors: nodeErrors.toRecord() } : undefined;
  return new FleetError("invalid_workflow", message, { hint, details });
}

/** Such ids cannot stand in `details.nodeErrors` either, so the message alone names them. */
function refuseNodeId(nodeId: string): void {
  if (isReservedName(nodeId)) {
    throw invalid(`Cannot run workflow: node '${nodeId}' has a reserved name`, "Give the node another id.");
  }
  if (nodeId.length > MAX_NAME_CHARS) {
    const state = `the id of node '${shorten(nodeId)}' is longer than ${MAX_NAME_CHARS} characters`;
    throw invalid(`Cannot run workflow: ${state}`, "Give the node a shorter id.");
  }
}

interface NodeParse {
  nodeErrors: NodeErrors;
  budget: ValueBudget;
}

/** The node, or null when what is wrong was noted instead. */
function parseNode(nodeId: string, value: unknown, { nodeErrors, budget }: NodeParse): WorkflowNode | null {
  if (!isPlainRecord(value) || typeof value.class_type !== "string" || value.class_type === "") {
    nodeErrors.add(nodeId, { field: "class_type", reason: `Node '${nodeId}' has no class_type` });
    return null;
  }
  if (value.class_type.length > MAX_NAME_CHARS) {
    const reason = `'${shorten(value.class_type)}' is longer than ${MAX_NAME_CHARS} characters`;
    nodeErrors.add(nodeId, { field: "class_type", reason });
  }
  const inputs = value.inputs ?? {};
  if (!isPlainRecord(inputs)) {
    nodeErrors.add(nodeId, { field: "inputs", reason: `Node '${nodeId}' has ${describe(inputs)} for inputs` });
    return null;
  }
  for (const [field, input] of Object.entries(inputs)) {
    const reason = field.length > MAX_NAME_CHARS
      ? `its name is longer than ${MAX_NAME_CHARS} characters`
      : valueProblem(field, input, budget);
    if (reason !== null) nodeErrors.add(nodeId, { field: shorten(field, MAX_NAME_CHARS), reason });
  }
  const meta = isPlainRecord(value._meta) && typeof value._meta.title === "string"
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

function danglingLinks(workflow: Workflow, nodeErrors: NodeErrors): void {
  for (const [nodeId, node] of Object.entries(workflow)) {
    for (const [field, value] of Object.entries(node.inputs)) {
      if (isLink(value) && !Object.hasOwn(workflow, value[0])) {
        const reason = `It is linked to node '${shorten(value[0])}', which does not exist`;
        nodeErrors.add(nodeId, { field, reason });
      }
    }
    if (nodeErrors.isFull) return;
  }
}

/**
 * Parses an API-format graph.
 * @throws FleetError `workflow_format_ui` for a graph saved by ComfyUI's page; `invalid_workflow` for everything else
 * (no object, no nodes, bad node, reserved or overlong name, unsafe number, path that leaves its folder, missing link
 * target, cycle, too large), with `details.nodeErrors` where a node is to blame.
 */
export function parseWorkflow(value: unknown): Workflow {
  if (!isPlainRecord(value)) {
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
  const nodeErrors = new NodeErrors();
  const budget = newValueBudget();
  for (const [nodeId, raw] of entries) {
    refuseNodeId(nodeId);
    const node = parseNode(nodeId, raw, { nodeErrors, budget });
    if (node) workflow[nodeId] = node;
    if (nodeErrors.isFull) break;
  }
  if (nodeErrors.isEmpty) danglingLinks(workflow, nodeErrors);
  refuseNodes(nodeErrors);
  const cycle = findCycle(workflow);
  if (cycle) {
    nodeErrors.add(cycle[0] ?? "", { field: "inputs", reason: "This node depends on its own output" });
    const steps = firstFew(cycle, " → ");
    throw invalid(`Cannot run workflow: its nodes form a cycle (${steps})`, "Remove one of these links.", nodeErrors);
  }
  return workflow;
}

function refuseNodes(nodeErrors: NodeErrors): void {
  const [nodeId, [problem] = []] = Object.entries(nodeErrors.toRecord())[0] ?? [];
  if (nodeId === undefined || !problem) return;
  const hint = "Mend the nodes in details.nodeErrors.";
  throw invalid(`Cannot run workflow: node '${nodeId}': ${problem.reason}`, hint, nodeErrors);
}

/** Schema form of {@link parseWorkflow}; the typed error travels through tRPC as the cause. */
export const WorkflowSchema = z.custom<Workflow>().transform((value): Workflow => parseWorkflow(value));

/**
 * What is refused, at submit and on the way to a pod. A graph that one known pod body accepts is accepted; one that only
 * lacks model files waits for them; a class that no known body has is refused. While nothing is known, everything that
 * needs no pod to see is let in, and judged by the body of the pod that is chosen.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { Waiting } from "../../contracts/job.ts";
import { MAX_BAD_NODES, NodeErrors } from "../../contracts/node-errors.ts";
import { firstFew, shorten } from "../../contracts/shorten.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { NodeProblem } from "../../contracts/workflow-value.ts";
import { knownUploadProblems, UPLOAD_HINT } from "./checks/upload.ts";
import type { ObjectInfo } from "./object-info.ts";
import type { KnownBody } from "./object-info-cache.ts";
import { type GraphVerdict, isFaultless, validateGraph } from "./validate-graph.ts";

const MEND_HINT = "Mend the inputs in details.nodeErrors; /object_info of ComfyUI tells what each takes.";

export interface Judgement {
  /** Why the job will wait, as far as the graph tells; null if nothing holds it up. */
  waiting: Waiting | null;
  /** Sorted hashes of the bodies that have every class and refuse the graph: their pods must not be given it. */
  refusedBy: string[];
}

/** @throws FleetError `invalid_workflow` when no body that has every class accepts it, or some class is nowhere. */
export function judgeGraph(workflow: Workflow, bodies: readonly KnownBody[]): Judgement {
  const uploads = knownUploadProblems(workflow);
  if (!uploads.isEmpty) throw refusal(workflow, uploads.toRecord(), UPLOAD_HINT);
  if (bodies.length === 0) {
    return { waiting: { reason: "no_pods", message: "No pod has told yet what it can run." }, refusedBy: [] };
  }
  const judged = bodies.map(({ sha256, info }) => ({ sha256, verdict: validateGraph(workflow, info) }));
  const verdicts = judged.map(({ verdict }) => verdict);
  const [nearest] = verdicts.filter(isFaultless).toSorted((a, b) => a.missingModels.length - b.missingModels.length);
  const refusing = judged.filter(({ verdict }) => verdict.unknownClasses.length === 0 && !isFaultless(verdict));
  if (nearest) return { waiting: missingModels(nearest), refusedBy: refusing.map(({ sha256 }) => sha256).toSorted() };
  const [faulty] = refusing.map(({ verdict }) => verdict)
    .toSorted((a, b) => Object.keys(a.nodeErrors).length - Object.keys(b.nodeErrors).length);
  if (faulty) throw faultyGraph(workflow, faulty);
  return { waiting: unknownEverywhere(workflow, verdicts), refusedBy: [] };
}

/** Why a ComfyUI with this body would not run the graph, as FleetError `invalid_workflow`; null if only files may lack. */
export function refusalOf(workflow: Workflow, info: ObjectInfo): FleetError | null {
  const verdict = validateGraph(workflow, info);
  return isFaultless(verdict) ? null : faultyGraph(workflow, verdict);
}

function missingModels({ missingModels: missing }: GraphVerdict): Waiting | null {
  if (missing.length === 0) return null;
  const names = missing.map(({ classType, input, name }) => `'${shorten(name)}' (${classType}.${input})`);
  return { reason: "missing_model", message: `No pod has ${firstFew(names)}.` };
}

function unknownEverywhere(workflow: Workflow, verdicts: readonly GraphVerdict[]): Waiting {
  const [first, ...others] = verdicts.map((verdict) => new Set(verdict.unknownClasses));
  const nowhere = [...(first ?? [])].filter((name) => others.every((unknown) => unknown.has(name)));
  if (nowhere.length === 0) {
    return { reason: "no_capable_pod", message: "Each class of the graph is on some pod, but no pod has all of them." };
  }
  const unknown = new Set(nowhere);
  const nodeErrors = new NodeErrors();
  for (const [nodeId, { class_type }] of Object.entries(workflow)) {
    if (!unknown.has(class_type)) continue;
    nodeErrors.add(nodeId, { field: "class_type", reason: `No pod has the class '${class_type}'` });
    if (nodeErrors.isFull) break;
  }
  const classes = firstFew(nowhere.map((name) => `'${name}'`));
  throw new FleetError("invalid_workflow", `Cannot run workflow: no pod has the class ${classes}`, {
    hint: "Install the custom node that brings it on a pod, or use another node.",
    details: { nodeErrors: nodeErrors.toRecord(), unknownClasses: nowhere.slice(0, MAX_BAD_NODES) },
  });
}

function faultyGraph(workflow: Workflow, { graphError, nodeErrors, namesFile }: GraphVerdict): FleetError {
  if (graphError !== null) {
    return new FleetError("invalid_workflow", `Cannot run workflow: ${graphError}`, {
      hint: "Add a node that saves or shows something, and link it to the rest.",
    });
  }
  return refusal(workflow, nodeErrors, namesFile ? UPLOAD_HINT : MEND_HINT);
}

function refusal(workflow: Workflow, nodeErrors: Record<string, NodeProblem[]>, hint: string): FleetError {
  const [nodeId, problems] = Object.entries(nodeErrors)[0] ?? ["", []];
  const { field, reason } = problems[0] ?? { field: "inputs", reason: "it is not valid" };
  const where = `node '${nodeId}' (${workflow[nodeId]?.class_type})`;
  return new FleetError("invalid_workflow", `Cannot run workflow: ${where}, input '${field}': ${reason}`, {
    hint,
    details: { nodeErrors },
  });
}

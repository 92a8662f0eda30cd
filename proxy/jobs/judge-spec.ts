/**
 * A spec against the bodies that are known. A caller's graph that no pod could run is refused; a service's graph is ours,
 * and what the fleet lacks for it is an operator's to bring, so its job waits and says for what.
 */
import { FleetError } from "../../contracts/errors.ts";
import type { JobSpec, Waiting } from "../../contracts/job.ts";
import { compileService } from "../../contracts/services/compile.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import type { Needs } from "../store/new-job.ts";
import { judgeGraph, type Judgement } from "./judge-graph.ts";
import { deriveNeeds } from "./needs.ts";
import type { KnownBody } from "./object-info-cache.ts";
import { isFaultless, validateGraph } from "./validate-graph.ts";

export interface JudgedSpec {
  workflow: Workflow;
  /** Why the job will wait, as far as the graph tells; null if nothing holds it up. */
  waiting: Waiting | null;
  needs: Needs;
}

/** The graph that a stored spec stands for. */
export function graphOf(spec: JobSpec): Workflow {
  return spec.kind === "workflow" ? spec.workflow : compileService(spec).workflow;
}

/** @throws FleetError `invalid_workflow` for a workflow that no known body accepts; a service is never refused here */
export function judgeSpec(spec: JobSpec, bodies: readonly KnownBody[]): JudgedSpec {
  const workflow = graphOf(spec);
  const { waiting, refusedBy } = spec.kind === "workflow"
    ? judgeGraph(workflow, bodies)
    : judgeServiceGraph(workflow, bodies);
  return { workflow, waiting, needs: deriveNeeds(workflow, bodies.map(({ info }) => info), refusedBy) };
}

function judgeServiceGraph(workflow: Workflow, bodies: readonly KnownBody[]): Judgement {
  try {
    return judgeGraph(workflow, bodies);
  } catch (error) {
    if (!FleetError.is(error) || error.code !== "invalid_workflow") throw error;
    const refusing = bodies.filter(({ info }) => {
      const verdict = validateGraph(workflow, info);
      return verdict.unknownClasses.length === 0 && !isFaultless(verdict);
    });
    return {
      waiting: { reason: "no_capable_pod", message: `No pod can run the service: ${reasonOf(error)}.` },
      refusedBy: refusing.map(({ sha256 }) => sha256).toSorted(),
    };
  }
}

/** "Cannot run workflow: no pod has …" is about the caller's graph; here it is ours. */
function reasonOf({ message }: FleetError): string {
  return message.slice(message.indexOf(": ") + 2);
}

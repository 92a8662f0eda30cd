/**
 * Whether ComfyUI runs the whole graph. It leaves out the outputs that it finds wrong and says so only in its answer to the
 * POST: where that was lost, what it kept is compared with the graph.
 */
import type { JobError } from "../../contracts/job.ts";
import type { FoundOutputs } from "./record.ts";
import type { Run } from "./run.ts";

export interface Taken {
  /** Why ComfyUI has only a part of the graph, if it has. */
  refusal: JobError | null;
  /** It does not say what it kept: the run's own outputs have to show it. */
  isUnconfirmed: boolean;
}

/** Null when ComfyUI could not be asked. */
export async function whatWasTaken(run: Run): Promise<Taken | null> {
  const { comfy, logger } = run.deps;
  try {
    const kept = await comfy.api.plannedOutputs(run.promptId, run.stop);
    return { refusal: kept && refusalOf(run, kept), isUnconfirmed: kept === null };
  } catch (error) {
    logger.debug("planned outputs not read", { attempt: run.entry.id, error });
    return null;
  }
}

/** The same, by what a run that ComfyUI calls a success has shown. */
export function refusalOfResult(run: Run, { files, texts }: FoundOutputs): JobError | null {
  return refusalOf(run, new Set([...files, ...texts].map(({ nodeId }) => nodeId)));
}

function refusalOf({ entry, deps }: Run, kept: ReadonlySet<string>): JobError | null {
  const classes = deps.outputClasses();
  const nodes = Object.entries(entry.record.order.workflow);
  const dropped = nodes.filter(([id, node]) => classes?.has(node.class_type) && !kept.has(id));
  const [first] = dropped;
  if (first === undefined) return null;
  const named = dropped.slice(0, 5).map(([id, node]) => `${id} (${node.class_type})`).join(", ");
  return {
    code: "invalid_workflow",
    message: `Cannot run the workflow: ComfyUI left out outputs that it found wrong: ${named}`,
    hint: "Correct these nodes and what feeds them, and submit again; the pod's ComfyUI log names what is wrong.",
    nodeId: first[0],
    classType: first[1].class_type,
  };
}

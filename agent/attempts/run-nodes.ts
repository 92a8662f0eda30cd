/** Which nodes of a graph a run has to execute: what its outputs need, down to what ComfyUI has cached. */
import { isLink, type Workflow } from "../../contracts/workflow.ts";

/** Ids of the nodes that `nodeId` takes its inputs from. */
export function sourcesOf(workflow: Workflow, nodeId: string): string[] {
  const inputs = Object.values(workflow[nodeId]?.inputs ?? {});
  return inputs.flatMap((value) => (isLink(value) && Object.hasOwn(workflow, value[0]) ? [value[0]] : []));
}

/**
 * The nodes that run, given the ids of cached ones. Roots are the nodes whose class is an output; without the list of
 * such classes every node that feeds no other counts as one.
 */
export function nodesToRun(
  workflow: Workflow,
  options: { outputClasses: ReadonlySet<string> | null; cached: ReadonlySet<string> },
): Set<string> {
  const ids = Object.keys(workflow);
  const fed = new Set(ids.flatMap((id) => sourcesOf(workflow, id)));
  const outputs = options.outputClasses;
  const roots = ids.filter((id) => outputs ? outputs.has(workflow[id]?.class_type ?? "") : !fed.has(id));
  const needed = new Set<string>();
  const stack = roots.length > 0 ? roots : ids;
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (needed.has(id) || options.cached.has(id)) continue;
    needed.add(id);
    stack.push(...sourcesOf(workflow, id));
  }
  return needed;
}

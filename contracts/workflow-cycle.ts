/** Cycle search over a graph's links; iterative, because a hostile graph may be thousands of nodes deep. */
import { isLink, type Workflow, type WorkflowNode } from "./workflow.ts";

function sources(node: WorkflowNode | undefined): string[] {
  return node ? Object.values(node.inputs).flatMap((value) => (isLink(value) ? [value[0]] : [])) : [];
}

/** The node ids of one cycle, the first repeated at the end, or null for an acyclic graph. */
export function findCycle(workflow: Workflow): string[] | null {
  const done = new Set<string>();
  for (const root of Object.keys(workflow)) {
    const path: { id: string; rest: string[] }[] = [];
    const onPath = new Set<string>();
    const enter = (id: string) => {
      path.push({ id, rest: sources(workflow[id]) });
      onPath.add(id);
    };
    if (!done.has(root)) enter(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.rest.pop();
      if (next === undefined) {
        done.add(top.id);
        onPath.delete(top.id);
        path.pop();
      } else if (onPath.has(next)) {
        const ids = path.map((step) => step.id);
        return [...ids.slice(ids.indexOf(next)), next];
      } else if (!done.has(next)) {
        enter(next);
      }
    }
  }
  return null;
}

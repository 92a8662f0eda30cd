/** How far a run is: a complete snapshot every time, never a difference. */
import { z } from "zod";
import { Text } from "./bounds.ts";

export const Progress = z.object({
  /** 0..1 over the whole graph, weighted over nodes; never falls within one attempt. */
  value: z.number().min(0).max(1),
  nodesDone: z.int().min(0),
  /** Nodes that this run has to execute: the graph less what ComfyUI had cached. */
  nodesTotal: z.int().min(0),
  currentNode: Text.nullable(),
  currentNodeClass: Text.nullable(),
  /** Step of the current node, 0..steps; null where the node reports none. */
  step: z.int().min(0).nullable(),
  steps: z.int().min(0).nullable(),
});
export type Progress = z.infer<typeof Progress>;

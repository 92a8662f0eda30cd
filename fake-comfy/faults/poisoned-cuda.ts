/** An illegal access breaks the CUDA context: the node fails, and every node after it, to the end of the process. */
import { PyError } from "../python.ts";
import { isMeant, NODE_SYNTAX, refusesNode } from "./failing-node.ts";
import type { Armed, Fault } from "./fault.ts";

const poisoned = new WeakSet<Armed>();

export const poisonedCuda: Fault = {
  name: "poisoned-cuda",
  summary: `a node breaks the CUDA context, and every later one fails; argument: ${NODE_SYNTAX}`,
  refuses: refusesNode,
  nodeStarts(armed, { nodeId }) {
    if (isMeant(armed.argument, nodeId)) poisoned.add(armed);
    if (!poisoned.has(armed)) return;
    throw new PyError("torch.AcceleratorError", "CUDA error: an illegal memory access was encountered");
  },
};

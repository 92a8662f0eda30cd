/** A node runs out of GPU memory, or of main memory. The job fails and the process goes on. */
import { PyError } from "../python.ts";
import { isMeant, NODE_SYNTAX, refusesNode } from "./failing-node.ts";
import type { Fault } from "./fault.ts";

const CUDA_MESSAGE = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB\n\n" +
  "This error means you ran out of memory on your GPU.\n\nTIPS: use a smaller batch.";
const CPU_MESSAGE = "[enforce fail at alloc_cpu.cpp:126] err == 0. DefaultCPUAllocator: can't allocate memory: " +
  "you tried to allocate 21474836480 bytes. Error code 12 (Cannot allocate memory)";

export const oom: Fault = {
  name: "oom",
  summary: `a node runs out of GPU memory; argument: ${NODE_SYNTAX}`,
  refuses: refusesNode,
  nodeStarts({ argument, surface }, { nodeId }) {
    if (!isMeant(argument, nodeId)) return;
    surface.logError("Got an OOM, unloading all loaded models.");
    throw new PyError("torch.OutOfMemoryError", CUDA_MESSAGE);
  },
};

export const cpuOom: Fault = {
  name: "cpu-oom",
  summary: `a node runs out of main memory; argument: ${NODE_SYNTAX}`,
  refuses: refusesNode,
  nodeStarts({ argument }, { nodeId }) {
    if (isMeant(argument, nodeId)) throw new PyError("RuntimeError", CPU_MESSAGE);
  },
};

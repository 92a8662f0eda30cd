/** Entry point of the edge on Node 24. */
import { runEdge } from "./run-edge.ts";
import { createNodeRuntime } from "./runtime/runtime.node.ts";

await runEdge(createNodeRuntime());

/** Entry point of the edge on Node 24. */
import { keepCompiledCode } from "./runtime/compile-cache.node.ts";

keepCompiledCode(process.env["EDGE_DATA_DIR"]);
// Not static: those would be loaded before the cache is there.
const { runEdge } = await import("./run-edge.ts");
const { createNodeRuntime } = await import("./runtime/runtime.node.ts");

await runEdge(createNodeRuntime());

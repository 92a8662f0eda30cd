/** Entry point of the edge on Deno; `deno-flags.json` holds the permissions it runs with. */
import { runEdge } from "./run-edge.ts";
import { createDenoRuntime } from "./runtime/runtime.deno.ts";

await runEdge(createDenoRuntime());

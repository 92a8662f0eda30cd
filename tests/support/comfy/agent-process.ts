// An agent reduced to its supervisor, as a process that a test can kill: `node agent-process.ts STATE_DIR [ARGS…]`.
// Prints `ready PID` (ComfyUI's) once, and takes no other part in the test.
import { createSupervisedComfy } from "../../../agent/comfy/supervised/supervised-comfy.ts";
import { supervisedOptions } from "./supervised-options.ts";

const [stateDir, ...args] = process.argv.slice(2);
if (stateDir === undefined) throw new Error("Cannot start: the state directory is missing");
const options = supervisedOptions({ stateDir, args });
const comfy = createSupervisedComfy(options);
comfy.onStatus(({ state }) => {
  if (state === "ready") console.log(`ready ${options.journal.open()[0]?.pid}`);
});
comfy.start();

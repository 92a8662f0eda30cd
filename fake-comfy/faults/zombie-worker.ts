/** The thread that runs prompts dies of what goes wrong outside a node: HTTP takes prompts that nothing will run. */
import { SilentDeath } from "../execution/silent-death.ts";
import { PyError } from "../python.ts";
import type { Fault } from "./fault.ts";

const WAYS = ["pending", "run", "silent-pending", "silent-run"];

function dies(argument: string | null): Error {
  if (argument?.startsWith("silent")) return new SilentDeath("the worker was told to die without a word");
  return new PyError("TypeError", "unhashable type: 'dict'");
}

export const zombieWorker: Fault = {
  name: "zombie-worker",
  summary: `the worker dies at the next prompt, which waits (pending, default) or counts as running (run) for ever; ` +
    `silent-pending and silent-run: without a line in the log`,
  refuses: (argument) =>
    argument === null || WAYS.includes(argument) ? null : `"${argument}" is no way to die: use ${WAYS.join(", ")}`,
  beforeTake({ argument }) {
    if (!argument?.endsWith("run")) throw dies(argument);
  },
  runStarts({ argument }) {
    if (argument?.endsWith("run")) throw dies(argument);
  },
};

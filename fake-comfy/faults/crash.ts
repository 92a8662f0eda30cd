/** The process dies without a word. */
import type { Fault } from "./fault.ts";
import { strikingFault } from "./strike.ts";

export const crash: Fault = strikingFault("crash", "the process is killed, nothing is cleaned up", (armed) => {
  armed.surface.kill();
});

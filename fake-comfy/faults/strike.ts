/** Builds a fault that does one thing at a chosen moment. */
import { type Armed, type Fault } from "./fault.ts";
import { MOMENT_SYNTAX, parseMoment, refusesMoment } from "./moment.ts";

/** A fault whose argument is the moment at which `act` is called: every time that moment comes while it is armed. */
export function strikingFault(name: string, summary: string, act: (armed: Armed) => void): Fault {
  return {
    name,
    summary: `${summary}; when: ${MOMENT_SYNTAX}`,
    refuses: refusesMoment,
    whenReady(armed) {
      if (parseMoment(armed.argument)?.kind === "now") act(armed);
    },
    runStarts(armed) {
      const moment = parseMoment(armed.argument);
      if (moment?.kind === "run") act(armed);
      if (moment?.kind !== "after") return;
      const timer = setTimeout(() => act(armed), moment.delayMs);
      void armed.cleared.then(() => clearTimeout(timer));
    },
    nodeStarts(armed, { nodeId }) {
      const moment = parseMoment(armed.argument);
      if (moment?.kind === "node" && moment.nodeId === nodeId) act(armed);
    },
  };
}

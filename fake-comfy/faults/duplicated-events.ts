/** Every message comes more than once. */
import { type Fault, refusesAll } from "./fault.ts";

export const duplicatedEvents: Fault = {
  name: "duplicated-events",
  summary: "every message is sent twice",
  refuses: refusesAll,
  whenReady({ surface, cleared }) {
    void cleared.then(surface.sockets.repeat(2));
  },
};

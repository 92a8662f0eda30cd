/** The clients that are connected now hear nothing more; new connections do, also under the same id. */
import type { Fault } from "./fault.ts";
import { strikingFault } from "./strike.ts";

export const deafSocket: Fault = strikingFault(
  "deaf-socket",
  "every socket that is open stays open and hears nothing more; a new one does",
  (armed) => armed.surface.sockets.forgetClients(),
);

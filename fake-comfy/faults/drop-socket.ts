/** Every WebSocket connection is cut without a closing handshake. */
import type { Fault } from "./fault.ts";
import { strikingFault } from "./strike.ts";

export const dropSocket: Fault = strikingFault("drop-socket", "every WebSocket connection is cut", (armed) => {
  armed.surface.sockets.dropAll();
});

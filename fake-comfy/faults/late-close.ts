/** A client that comes back under its old id before the server saw its old socket end is deaf from that moment on. */
import { durationOf, refusesDuration } from "./duration.ts";
import type { Fault } from "./fault.ts";

const DEFAULT_MS = 500;

export const lateClose: Fault = {
  name: "late-close",
  summary: "the end of a socket is seen late, which makes a newer socket of the same client deaf; argument: Nms (500)",
  refuses: refusesDuration,
  whenReady({ argument, surface, cleared }) {
    void cleared.then(surface.sockets.closeLate(durationOf(argument, DEFAULT_MS)));
  },
};

/** Messages come in the wrong order: an output before its node, an end before the last steps. */
import { durationOf, refusesDuration } from "./duration.ts";
import type { Fault } from "./fault.ts";

const DEFAULT_WINDOW_MS = 60;

export const shuffledEvents: Fault = {
  name: "shuffled-events",
  summary: "the messages of each stretch of time are sent in reverse; argument: its length, Nms (60)",
  refuses: refusesDuration,
  whenReady({ argument, surface, cleared }) {
    void cleared.then(surface.sockets.reverse(durationOf(argument, DEFAULT_WINDOW_MS)));
  },
};

/** One client that stops reading stops the delivery to all: sockets open, greet, and then hear nothing. */
import { type Fault, refusesAll } from "./fault.ts";

export const stuckDelivery: Fault = {
  name: "stuck-delivery",
  summary: "no socket hears anything but its greeting, however often it is opened anew; until it is cleared",
  refuses: refusesAll,
  whenReady({ surface, cleared }) {
    void cleared.then(surface.sockets.pause());
  },
};

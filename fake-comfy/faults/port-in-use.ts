/** The start fails as if another process held the port. */
import { type Fault, refusesAll } from "./fault.ts";
import { portInUseMessage } from "../port-in-use-message.ts";

export const portInUse: Fault = {
  name: "port-in-use",
  summary: "the start fails as if the port were taken (exit code 1)",
  refuses: refusesAll,
  beforeListen({ surface }) {
    surface.logError(portInUseMessage(surface.address, surface.port));
    surface.exit(1);
  },
};

/** The start fails as if another process held the port. */
import type { Fault } from "./fault.ts";
import { portInUseMessage } from "../port-in-use-message.ts";

export const portInUse: Fault = {
  name: "port-in-use",
  summary: "the start fails as if the port were taken (exit code 1)",
  refuses: (argument) => argument === null ? null : "it takes no argument",
  beforeListen({ surface }) {
    surface.logError(portInUseMessage(surface.address, surface.port));
    surface.exit(1);
  },
};

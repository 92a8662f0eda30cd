/** Takes the place of `dial-fetch.ts` in bundles for browsers, so that they name no module of Node. */
import { FleetError } from "../contracts/errors.ts";

export function fetchOver(): typeof fetch {
  return () =>
    Promise.reject(
      new FleetError("invalid_input", "Cannot dial the pod: a browser opens no connections of its own", {
        hint: "Leave 'dial' out on a machine that is on the tailnet, or call the pod through the edge: fleet.pod(id).",
      }),
    );
}

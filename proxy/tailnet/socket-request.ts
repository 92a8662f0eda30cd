/** `node:http`'s request on tailscaled's socket, which says in our words when this process may not open it. */
import { FleetError } from "../../contracts/errors.ts";
import type { HttpRequest, RawSocket } from "../../contracts/tailnet/http-port.ts";

/** By Deno, before it asks the system. */
function isNotPermitted(error: unknown): boolean {
  return error instanceof Error && (error.name === "NotCapable" || error.name === "PermissionDenied");
}

/** @throws FleetError `tailnet_unavailable`, from the call itself, with `details.why = "permission"` */
export function createSocketRequest<Socket extends RawSocket>(request: HttpRequest<Socket>): HttpRequest<Socket> {
  return (options) => {
    try {
      return request(options);
    } catch (cause) {
      if (!isNotPermitted(cause)) throw cause;
      const { socketPath } = options;
      throw new FleetError(
        "tailnet_unavailable",
        `Cannot ask tailscaled: Deno does not let the edge open ${socketPath}`,
        {
          hint:
            `Start the edge with permission to read and to write ${socketPath} (see TS_SOCKET in docs/configuration.md).`,
          details: { why: "permission", sent: false },
          retryable: false,
          cause,
        },
      );
    }
  };
}

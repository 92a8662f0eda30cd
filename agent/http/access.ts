/**
 * Who may do what with a request that has come this far: by the shared secret, or by the role that the tailnet's policy
 * grants.
 */
import type { AgentCaller } from "../../contracts/agent/caller.ts";
import { roleFor } from "../../contracts/agent/roles.ts";
import { FleetError } from "../../contracts/errors.ts";
import { requireSecret } from "./auth.ts";

export interface AccessCall {
  authorization: string | undefined;
  /** As it came. */
  url: string;
  /** The connection; undefined where there is none, as in tests. */
  socket: object | undefined;
}

/**
 * Returns who calls over the tailnet; null on the direct transport.
 * @throws FleetError `unauthorized`, `forbidden`, `not_found`
 */
export type Access = (call: AccessCall) => AgentCaller | null;

/** One secret opens everything. */
export function accessBySecret(secret: string): Access {
  const check = requireSecret(secret);
  return ({ authorization }) => {
    check(authorization);
    return null;
  };
}

/** A caller without any role was turned away before; whoever lost its role since then is told the same. */
export function accessByRole(current: (socket: object) => AgentCaller | null): Access {
  return ({ url, socket }) => {
    const caller = socket === undefined ? null : current(socket);
    if (caller === null) throw new FleetError("not_found", "Cannot find this path");
    const role = roleFor(new URL(url).pathname);
    if (caller.roles.has(role)) return caller;
    throw new FleetError("forbidden", `Cannot do this: the tailnet's policy does not grant you the role '${role}'`, {
      hint: role === "invoke"
        ? "Only an edge may: ask it, or call a procedure for operators."
        : "Ask whoever keeps the tailnet's policy for a grant of the role.",
    });
  };
}

/** The address an edge listens on, and the one at which this machine reaches it. */
import { FleetError } from "../../contracts/errors.ts";

/** A wildcard is an address to listen on, not to call. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "[::]": "[::1]" };

export interface ListenHost {
  /** For `listen()`: no brackets. */
  bare: string;
  /** For `HOST:PORT`: IPv6 in brackets. */
  inUrl: string;
  /** Where a client on this machine calls, as it stands in a URL. */
  reachedAt: string;
}

/** @throws FleetError `invalid_input` */
export function listenHost(text: string): ListenHost {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  const inUrl = bare.includes(":") ? `[${bare}]` : bare;
  let hostname: string;
  try {
    hostname = new URL(`http://${inUrl}:1`).hostname;
  } catch (cause) {
    throw new FleetError("invalid_input", `Cannot listen on '${text}': it is no address`, {
      hint: "Name an address of this machine with --host: 127.0.0.1, 0.0.0.0, ::1, or a host name.",
      cause,
    });
  }
  return { bare, inUrl, reachedAt: LOOPBACK_OF[hostname] ?? hostname };
}

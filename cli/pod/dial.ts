/** Connections to a pod through a tailscaled of this machine that gives it no routes, in userspace mode. */
import { request } from "node:http";
import type { Duplex } from "node:stream";
import type { Dial } from "../../client/mod.ts";
import { FleetError } from "../../contracts/errors.ts";
import { createLocalApi } from "../../contracts/tailnet/local-api.ts";
import type { DaemonStatus, PeerStatus } from "../../contracts/tailnet/local-api-schemas.ts";

const ASK_MS = 5_000;
const MAX_NAMED = 5;

function firstLabel({ DNSName }: PeerStatus): string | undefined {
  return DNSName?.split(".", 1)[0];
}

/**
 * The address of the one peer that is meant: by address, by its full name on the tailnet, by that name's first part, or by
 * what it calls itself, whichever fits first. Nobody else is asked for a name: it would leave the tailnet.
 * @throws FleetError `not_found`, `invalid_input` when more than one fits
 */
export function addressOf(host: string, { Peer }: Pick<DaemonStatus, "Peer">): string {
  const wanted = host.toLowerCase().replace(/\.$/, "");
  const ways: ((peer: PeerStatus) => boolean)[] = [
    ({ TailscaleIPs }) => TailscaleIPs.includes(wanted),
    ({ DNSName }) => DNSName?.toLowerCase().replace(/\.$/, "") === wanted,
    (peer) => firstLabel(peer)?.toLowerCase() === wanted,
    ({ HostName }) => HostName?.toLowerCase() === wanted,
  ];
  const found = ways.map((fits) => Peer.filter(fits)).find(({ length }) => length > 0) ?? [];
  const [only] = found;
  if (found.length > 1) {
    const named = found.slice(0, MAX_NAMED).map((peer) => peer.TailscaleIPs[0]).join(", ");
    throw new FleetError("invalid_input", `Cannot tell which node '${host}' is: ${found.length} call themselves so`, {
      hint: `Name it by its address: ${named}.`,
    });
  }
  const address = only?.TailscaleIPs[0];
  if (address !== undefined) return address;
  throw new FleetError("not_found", `Cannot find '${host}' on the tailnet: this machine sees no such node`, {
    hint:
      "Check the name, and that the tailnet's policy lets this machine call the pod: others are not even shown to it.",
  });
}

/** @param socketPath LocalAPI of the daemon */
export function dialOver(socketPath: string): Dial {
  const api = createLocalApi<Duplex>({ request, socketPath });
  return async ({ host, port }, signal) => {
    const status = await api.status({ peers: true }, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
    return await api.dial({ host: addressOf(host, status), port }, signal);
  };
}
